package live

import (
	"context"
	"io"
	"testing"
	"time"
)

// TestInterruptedStoreIsMadeAnew interrupts etcd at moments at which it has written half of what it
// needs. The next start comes up.
func TestInterruptedStoreIsMadeAnew(t *testing.T) {
	for after := range 12 {
		folder := Folder(t.TempDir())
		for _, patience := range []time.Duration{time.Duration(4*after) * time.Millisecond, time.Minute} {
			made, err := folder.makeStore()
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			s, err := startStore(ctx, folder.etcd(), io.Discard, func(err error) { panic(err) })
			cancel()
			if err != nil {
				if patience == time.Minute {
					t.Fatalf("after an interrupt at %d ms: %v", 4*after, err)
				}
				continue
			}
			if err := made(); err != nil {
				t.Error(err)
			}
			s.close()
		}
	}
}
