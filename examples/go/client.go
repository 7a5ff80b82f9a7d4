package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "example.com/chat-example/gen/chatv1"
)

const (
	callTimeout  = 10 * time.Second
	firstDelay   = 500 * time.Millisecond
	longestDelay = 30 * time.Second
)

// A position is how far a room has been handled.
type position struct {
	name string
	seq  uint64
}

// A client holds what must outlive a connection.
//
// What to copy from it:
//   - rooms has the seq of the last event that was handled in each room. It is all that a
//     resume needs: every stream, the first one too, begins by telling it to the server.
//   - a post stays in outbox until it is answered, and is sent again as it was, with the same
//     client_msg_id. The server stores it once, however often it comes.
//   - only one post is under way at a time, so that a refused one cannot be overtaken.
type client struct {
	target, name, room string
	since              *uint64 // the last seq handled before; nil: begin with what is new
	left               int     // events still to be printed; negative: without end
	outbox             []*pb.Post
	rooms              map[string]*position // by room_id
	token, epoch       string
	refused            bool          // a post was refused for good
	attempt            int           // failures since the last success
	hint               time.Duration // how long the server asked us to stay away
}

// run returns when all is posted and enough is printed, or when ctx ends.
func (c *client) run(ctx context.Context) error {
	defer c.signOut()
	for {
		err := c.connect(ctx)
		if c.done() || ctx.Err() != nil {
			return nil
		}
		delay, passing := c.delay(err)
		if !passing {
			return err
		}
		complain("%s; trying again in %.1f s", status.Convert(err).Message(), delay.Seconds())
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil
		}
	}
}

func (c *client) done() bool {
	return c.left == 0 && len(c.outbox) == 0
}

// dial makes a connection of its own for each attempt, so that the delays of run are the
// only ones: the library would remember a failed address and keep to its own.
func (c *client) dial() (*grpc.ClientConn, error) {
	return grpc.NewClient(c.target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		// Notices within 40 s that the server is gone without a word.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 30 * time.Second, Timeout: 10 * time.Second,
		}))
}

func (c *client) signed(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.token)
}

// connect signs in, the first time, and holds one stream until it ends.
func (c *client) connect(ctx context.Context) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	service := pb.NewChatServiceClient(conn)
	if c.token == "" {
		if err := c.join(ctx, service); err != nil {
			return err
		}
	}
	return c.converse(ctx, service)
}

// join signs in as a new guest, whose token every later call carries.
func (c *client) join(ctx context.Context, service pb.ChatServiceClient) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	joined, err := service.Join(ctx, &pb.JoinRequest{Name: c.name, Room: c.room})
	if err != nil {
		return err
	}
	c.token, c.epoch = joined.Token, joined.Epoch
	start := &position{joined.Room.Name, joined.Room.HeadSeq}
	if c.since != nil {
		start.seq = *c.since
	}
	c.rooms[joined.Room.RoomId] = start
	return nil
}

// signOut gives the name back. Nothing is lost if it fails: the server ends a silent session.
func (c *client) signOut() {
	conn, err := c.dial()
	if err != nil || c.token == "" {
		return
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(c.signed(context.Background()), callTimeout)
	defer cancel()
	_, _ = pb.NewChatServiceClient(conn).SignOut(ctx, &pb.SignOutRequest{})
}

// converse holds one stream until we are done; it returns what ended it before that.
func (c *client) converse(ctx context.Context, service pb.ChatServiceClient) error {
	c.hint = 0
	ctx, cancel := context.WithCancel(c.signed(ctx))
	defer cancel()
	call, err := service.Chat(ctx)
	if err != nil {
		return err
	}
	// Only as a member: whoever was put out while it was away is not to come back by itself.
	hello := &pb.Hello{Epoch: c.epoch, MembersOnly: true}
	for id, room := range c.rooms {
		target := &pb.RoomTarget{Target: &pb.RoomTarget_RoomId{RoomId: id}}
		hello.Rooms = append(hello.Rooms, &pb.RoomPosition{Room: target, AfterSeq: &room.seq})
	}
	s := &stream{call: call}
	s.send(&pb.ChatRequest{OrderId: "hello", Order: &pb.ChatRequest_Hello{Hello: hello}})

	items := make(chan *pb.StreamItem)
	var broken error // set before items is closed
	go func() {
		defer close(items)
		for {
			var frame *pb.ChatResponse
			if frame, broken = call.Recv(); broken != nil {
				return
			}
			// Where one frame ends and the next begins has no meaning.
			for _, item := range frame.Items {
				select {
				case items <- item:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	for !c.done() {
		select {
		case item, more := <-items:
			if !more {
				return broken
			}
			if err := c.take(s, item); err != nil {
				return err
			}
		case <-s.resend:
			c.sendOldest(s)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// A stream is the way up of one call, and when to repeat a post that was refused for now.
type stream struct {
	call   grpc.BidiStreamingClient[pb.ChatRequest, pb.ChatResponse]
	resend <-chan time.Time
}

// send ignores errors: those of a broken stream come from its other direction.
func (s *stream) send(request *pb.ChatRequest) { _ = s.call.Send(request) }

func (c *client) sendOldest(s *stream) {
	s.resend = nil
	if len(c.outbox) > 0 {
		s.send(&pb.ChatRequest{Order: &pb.ChatRequest_Post{Post: c.outbox[0]}})
	}
}

// take handles one item; items that it does not know, a newer server may send.
func (c *client) take(s *stream, item *pb.StreamItem) error {
	switch item := item.Item.(type) {
	case *pb.StreamItem_Welcome:
		c.attempt = 0
		c.sendOldest(s)
	case *pb.StreamItem_Reset_: // the data was replaced: our positions mean nothing there
		c.epoch = item.Reset_.Epoch
	case *pb.StreamItem_Opened:
		room := item.Opened.Room
		c.rooms[room.RoomId] = &position{nameOf(room), item.Opened.AfterSeq}
	case *pb.StreamItem_Gap: // what is before first_seq is not kept any more
		c.rooms[item.Gap.RoomId].seq = item.Gap.FirstSeq - 1
	case *pb.StreamItem_Event:
		return c.takeEvent(item.Event)
	case *pb.StreamItem_Ack:
		if len(c.outbox) > 0 && c.outbox[0].ClientMsgId == item.Ack.ClientMsgId {
			c.outbox = c.outbox[1:]
			c.sendOldest(s)
		}
	case *pb.StreamItem_Error:
		return c.takeError(s, item.Error)
	case *pb.StreamItem_Closed:
		delete(c.rooms, item.Closed.RoomId)
	case *pb.StreamItem_Notice:
		c.hint = time.Duration(item.Notice.RetryAfterMs) * time.Millisecond
	}
	return nil
}

func (c *client) takeEvent(event *pb.RoomEvent) error {
	room := c.rooms[event.RoomId]
	if event.Seq <= room.seq || c.left == 0 {
		return nil
	}
	if event.Seq != room.seq+1 {
		return status.Errorf(codes.DataLoss, "a hole in %s after %d", room.name, room.seq)
	}
	room.seq = event.Seq
	line := line{Room: room.name, Seq: event.Seq, Author: event.Author.Name}
	switch body := event.Body.(type) {
	case *pb.RoomEvent_Message:
		line.Type, line.Text = "message", body.Message.Text
	case *pb.RoomEvent_Topic:
		line.Type, line.Text = "topic", body.Topic.Topic
	}
	fmt.Println(line)
	c.left--
	return nil
}

func (c *client) takeError(s *stream, refusal *pb.Error) error {
	switch {
	case refusal.ClientMsgId == "": // a room cannot be read
		c.hint = time.Duration(refusal.RetryAfterMs) * time.Millisecond
		return status.Error(codes.Code(refusal.Code), refusal.Reason+": "+refusal.Message)
	case refusal.RetryAfterMs > 0:
		s.resend = time.After(time.Duration(refusal.RetryAfterMs) * time.Millisecond)
	default:
		complain("not posted: %s (%s)", refusal.Message, refusal.Reason)
		c.refused = true
		c.outbox = c.outbox[1:]
		c.sendOldest(s)
	}
	return nil
}

// delay returns how long to wait before the next attempt, and whether one makes sense.
func (c *client) delay(err error) (time.Duration, bool) {
	hint := c.hint
	failure, _ := status.FromError(err)
	for _, detail := range failure.Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			hint = max(hint, retry.RetryDelay.AsDuration())
		}
	}
	// Full jitter: clients that lost the same server do not all return at once.
	longest := min(longestDelay, firstDelay<<min(c.attempt, 10))
	c.attempt++
	if hint > 0 {
		return hint, true
	}
	switch failure.Code() {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Internal, codes.Unknown:
		// The same may succeed later, also where the server could not say so itself.
		return rand.N(longest), true
	}
	return 0, false
}

func nameOf(room *pb.Room) string {
	if room.Name != "" {
		return room.Name
	}
	names := []string{}
	for _, member := range room.Members {
		names = append(names, member.Name)
	}
	return strings.Join(names, ",")
}
