package live

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
)

// A client that reads no more must not keep the kubelets from ending.
func TestConnectionsOfKubeletsEndWithThem(t *testing.T) {
	k := &kubelets{pipes: &pipes{made: make(chan net.Conn), closed: make(chan struct{})}}
	dialed := make(chan net.Conn, 1)
	go func() {
		conn, err := k.dial(context.Background(), "", "")
		if err != nil {
			t.Error(err)
		}
		dialed <- conn
	}()
	theirs, err := k.pipes.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ours := <-dialed
	written := make(chan error, 1)
	go func() {
		_, err := theirs.Write([]byte("farewell")) // nobody reads it
		written <- err
	}()
	if err := k.pipes.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-written; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the write ended with %v", err)
	}
	if _, err := ours.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the client reads %v", err)
	}
	if _, err := k.dial(t.Context(), "", ""); !errors.Is(err, net.ErrClosed) {
		t.Errorf("another connection: %v", err)
	}
	if theirs.Close(); len(k.pipes.open) != 0 {
		t.Errorf("%d connections are kept", len(k.pipes.open))
	}
}
