"""The wire: gRPC calls to orders, events to frames. Holds no rule of chat.

    chat        the calls of ChatService,
    lists       and those of them that look things up
    entrance    the ways in: as a guest, with a password, by a token
    accounts    the calls of AccountService about accounts and bots
    tokens      those about sessions and API tokens
    blocks      those about users whose direct messages are not taken
    invites     those about codes to register by
    passwords   what a password may be, and its hashes, made in threads
    rooms       the calls of RoomService about rooms and their members
    invitations those about ways into private rooms
    doors       the passwords of private rooms
    conversation  one Chat stream: orders up, items down
    answers     what its orders come to, and how many are still owed
    stream      what Chat and Subscribe share: a subscription and its writer
    streams     those that are open
    standing    where a room stands: as it is told, and which positions it has reached
    moderation  the calls of ModerationService: in rooms,
    governance  on the server,
    records     and its lists
    effects     what order does to open streams
    journal     submits orders, and applies each commit to all that is live
    directory   the loop's own copy of the state, for authorising reads
    wire        protobuf to core and back; ids, as they travel; frames, what streams are told
    orders      requests to commands, paced
    sessions    the tokens that callers present, and their deadlines
    admin       the operator's calls about this instance
    recovery    those of them about accounts: the way back in
    audit       the audit log as it travels
    figures     what it tells of itself: one table
    tally       what the edge counts of its work
    pruning     lets go of what rooms do not keep
    transport   the gRPC servers: options, addresses; encryption, what they show clients
    standard    the services that every gRPC server has: health, reflection
    gate        who comes in, and whether there are too many
    calls       what every call goes through
    methods     the tables of methods, by the contract
    status      reasons to gRPC statuses
    paging      page sizes and tokens
    pace        rates: token buckets, strikes
    reads       calls that read take turns
    logins      wrong passwords: how long the next one waits
    address     who is calling, for limits by address
    limits      what callers may do, and how long they are waited for; pure

The only package of the server that imports grpc and the stubs; imports core, log,
hub, histogram, retention and codes of the project.
"""
