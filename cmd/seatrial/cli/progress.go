package cli

import (
	"fmt"
	"sync"
	"time"
)

// underWay shows on a terminal what takes longer than a second, and for how long it has, until end is called.
func underWay(s Streams, what string) (end func()) {
	if !isTerminal(s.Err) {
		return func() {}
	}
	stop := make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for seconds := 1; ; seconds++ {
			select {
			case <-tick.C:
				fmt.Fprintf(s.Err, "\r\x1b[K%s, %d s", what, seconds)
			case <-stop:
				if seconds > 1 {
					fmt.Fprint(s.Err, "\r\x1b[K")
				}
				return
			}
		}
	})
	return sync.OnceFunc(func() {
		close(stop)
		shown.Wait()
	})
}
