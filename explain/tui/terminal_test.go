//go:build unix

package tui

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"reflect"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/seatrial/seatrial/schema"
)

// session is a browser that runs in a pseudo-terminal.
type session struct {
	*screen
	t        *testing.T
	keyboard *os.File
	ended    chan error
}

func start(t *testing.T, ctx context.Context, width, height uint16, o Options) *session {
	t.Helper()
	t.Setenv("TERM", "xterm-256color")
	keyboard, terminal, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	if err := pty.Setsize(terminal, &pty.Winsize{Cols: width, Rows: height}); err != nil {
		t.Fatal(err)
	}
	before, err := term.GetState(int(terminal.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	s := &session{screen: newScreen(int(width), int(height)), t: t, keyboard: keyboard, ended: make(chan error, 1)}
	o.In, o.Out = terminal, terminal
	read := make(chan struct{})
	go func() {
		s.read(keyboard)
		close(read)
	}()
	go func() {
		err := Run(ctx, o)
		after, stateErr := term.GetState(int(terminal.Fd()))
		if stateErr != nil || !reflect.DeepEqual(before, after) {
			err = errors.Join(err, stateErr, errors.New("the terminal is not as it was"))
		}
		s.ended <- err
		terminal.Close()
	}()
	t.Cleanup(func() {
		<-read
		keyboard.Close()
	})
	return s
}

func (s *session) press(keys string) {
	s.t.Helper()
	if _, err := s.keyboard.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) shows(texts ...string) { s.t.Helper(); s.see(s.t, texts...) }

// quit ends the browser and checks that the terminal is as it was.
func (s *session) quit(key string) {
	s.t.Helper()
	s.press(key)
	if err := <-s.ended; err != nil {
		s.t.Fatal(err)
	}
	s.waitFor(s.t, "return to the main screen", func(s *screen) bool { return s.restored && !s.alt })
}

func example(k *schema.Kind) string { return "kind: " + k.Kind + "\n" }

func TestTerminalSession(t *testing.T) {
	s := start(
		t, t.Context(), 80, 24, Options{Version: "1.37", Start: "deployment.spec", Color: true, Example: example},
	)
	s.shows("Kubernetes 1.37 › apps/v1 › Deployment › spec", ">    ▾ spec", "DeploymentSpec", "q quit")
	if !s.colored {
		t.Error("no colours")
	}
	s.press("j")
	s.shows("spec › minReadySeconds", "Format       int32")
	s.press("y")
	s.shows("copied deployment.spec.minReadySeconds")
	s.copied("deployment.spec.minReadySeconds")
	s.press("Y")
	s.shows("copied an example of Deployment")
	s.copied("kind: Deployment\n")

	s.press("/")
	s.press("sts ter")
	s.shows(">terminationGracePeriodSeconds Stateful", "/sts ter")
	s.press("\r")
	s.shows("StatefulSet › spec › template › spec › terminationG", "/ search")

	s.press("v")
	s.shows("Kubernetes 1.37 (now)")
	s.press("\x1b[B\x1b[B\r")
	s.shows("Kubernetes 1.35", "StatefulSet › spec › template › spec › terminationG")

	s.press("?")
	s.shows("Keys", "copy the path")
	s.press("\x1b")
	s.shows("/ search")
	s.quit("q")
}

func (s *session) copied(text string) {
	s.t.Helper()
	want := base64.StdEncoding.EncodeToString([]byte(text))
	s.waitFor(s.t, "copy of "+text, func(s *screen) bool { return s.clipboard == want })
}

func TestTerminalWithoutColour(t *testing.T) {
	s := start(t, t.Context(), 80, 24, Options{Start: "pod.spec.containers"})
	s.shows("> ", "containers*", "Required     yes")
	s.quit("\x03")
	if s.colored {
		t.Error("colours were asked not to be used")
	}
}

func TestTerminalIsResized(t *testing.T) {
	s := start(t, t.Context(), 120, 40, Options{Start: "svc.spec.ports"})
	s.shows("Service › spec › ports", "│")
	for _, size := range []struct{ width, height uint16 }{{40, 16}, {30, 6}, {100, 30}} {
		s.resize(int(size.width), int(size.height))
		if err := pty.Setsize(s.keyboard, &pty.Winsize{Cols: size.width, Rows: size.height}); err != nil {
			t.Fatal(err)
		}
		if err := unix.Kill(os.Getpid(), unix.SIGWINCH); err != nil { // the terminal is not that of the test
			t.Fatal(err)
		}
		s.shows("spec › ports", "▾ ports", "q quit")
	}
	s.quit("q")
}

func TestTerminalIsRestoredWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := start(t, ctx, 80, 24, Options{})
	s.shows("core", "apps")
	cancel()
	if err := <-s.ended; err != context.Canceled {
		t.Errorf("got %v", err)
	}
	s.waitFor(t, "return to the main screen", func(s *screen) bool { return s.restored && !s.alt })
}
