"""The wire: gRPC calls to orders, events to frames. Holds no rule of chat.

    service     the eight calls of ChatService
    lists       the calls that look things up
    conversation  one Chat stream: orders up, items down
    stream      what Chat and Subscribe share: a subscription and its writer
    journal     submits orders, and applies each commit to all that is live
    directory   the loop's own copy of the state, for authorising reads
    wire        protobuf to core and back
    orders      requests to commands, paced
    sessions    the tokens that callers present, and their deadlines
    admin       the operator's calls about this instance
    figures     what it tells of itself: one table
    tally       what the edge counts of its work
    pruning     lets go of what rooms do not keep
    transport   the gRPC servers: options, health, addresses
    calls       the table of methods, and what every call goes through
    status      reasons to gRPC statuses
    paging      page sizes and tokens
    pace        rates: token buckets, strikes
    address     who is calling, for limits by address
    limits      what callers may do, and how long they are waited for; pure

The only package of the server that imports grpc and the stubs; imports core, log,
hub, histogram and retention of the project.
"""
