// Command chat-example is one client of the chat service: it joins a room, posts, prints each
// event of its rooms as a line of JSON, and comes back after a lost connection without a hole
// or a double. The client itself is in client.go.
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"google.golang.org/grpc/status"

	pb "example.com/chat-example/gen/chatv1"
)

func main() {
	c := &client{rooms: map[string]*position{}}
	flag.StringVar(&c.target, "target", "localhost:50051", "`host:port` of the server")
	flag.StringVar(&c.name, "name", "", "the name to sign in with (needed)")
	flag.StringVar(&c.room, "room", "lobby", "the room to join")
	flag.IntVar(&c.left, "count", -1, "end after so many events; -1: go on")
	flag.Func("since", "the last `seq` that was seen; 0: from the beginning (default what is new)",
		func(value string) error {
			seq, err := strconv.ParseUint(value, 10, 64)
			c.since = &seq
			return err
		})
	flag.Func("post", "a `text` to post; may be given several times", func(text string) error {
		c.outbox = append(c.outbox, &pb.Post{Text: text, ClientMsgId: rand.Text()})
		return nil
	})
	flag.Parse()
	if c.name == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	for _, post := range c.outbox {
		post.Room = &pb.RoomTarget{Target: &pb.RoomTarget_RoomName{RoomName: c.room}}
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := c.run(ctx); err != nil {
		complain("%s", status.Convert(err).Message())
		os.Exit(1)
	}
	if c.refused {
		os.Exit(1)
	}
}

func complain(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "client: "+format+"\n", values...)
}
