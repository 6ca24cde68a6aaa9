package live

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	utilexec "k8s.io/utils/exec"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/kubelet"
)

// kubelets answers, in memory, what the API server asks kubelets for: logs, and commands that are run in containers. It
// speaks a kubelet's protocol, so that the API server's own code translates what clients speak, SPDY or WebSocket.
type kubelets struct {
	pipes  *pipes
	server *http.Server
	engine atomic.Pointer[cluster.Cluster] // nil until it runs
}

// How long an idle stream is kept, how long a client may take to create its streams, and how often a log is looked at
// that is followed.
const (
	streamIdle    = 4 * time.Hour
	streamCreated = 30 * time.Second
	followEvery   = 200 * time.Millisecond
)

// startKubelets serves until close.
func startKubelets(p *pki) (*kubelets, error) {
	cert, err := tls.LoadX509KeyPair(p.server.cert, p.server.key)
	if err != nil {
		return nil, fmt.Errorf("certificate of the kubelets: %w", err)
	}
	k := &kubelets{pipes: &pipes{made: make(chan net.Conn), closed: make(chan struct{})}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.logs)
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", k.exec)
	mux.HandleFunc("/attach/{namespace}/{pod}/{container}", k.attach)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(
			w, "the nodes of this cluster are simulated: no process runs on them, so there is nothing to connect to",
			http.StatusBadRequest,
		)
	})
	k.server = &http.Server{Handler: mux, ReadHeaderTimeout: streamCreated}
	listener := tls.NewListener(
		k.pipes, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
	)
	go func() { _ = k.server.Serve(listener) }() // it ends with close
	return k, nil
}

// dial connects the API server to the kubelet of any node.
func (k *kubelets) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	kept := k.pipes.keep(theirs)
	select {
	case k.pipes.made <- kept:
		return ours, nil
	case <-k.pipes.closed:
		return nil, errors.Join(net.ErrClosed, kept.Close())
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), kept.Close())
	}
}

// pipes is a listener in memory, whose connections end with it. Nothing is buffered in them: the farewell of TLS would
// wait for a client that does not read any more, five seconds each.
type pipes struct {
	made   chan net.Conn
	closed chan struct{}
	close  sync.Once

	mu   sync.Mutex
	open map[*pipe]bool
}

// pipe is the kubelets' end of a connection.
type pipe struct {
	net.Conn
	of *pipes
}

// keep returns a connection that ends with the listener.
func (p *pipes) keep(conn net.Conn) *pipe {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		p.open = map[*pipe]bool{}
	}
	c := &pipe{conn, p}
	p.open[c] = true
	return c
}

// Close ends the connection.
func (c *pipe) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// Accept returns the next connection that is dialed.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.made:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listener and its connections.
func (p *pipes) Close() error {
	p.close.Do(func() { close(p.closed) })
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Conn.Close() // a pipe does not fail
	}
	return nil
}

// Addr returns a name: there is no address.
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Net: "pipe", Name: "kubelets"} }

func (k *kubelets) close() {
	if k != nil {
		_ = k.pipes.Close()
		_ = k.server.Close() // connections that are open are of clients that the API server has left
	}
}

// cluster returns the cluster whose kubelets these are, and answers if it does not run yet.
func (k *kubelets) cluster(w http.ResponseWriter) *cluster.Cluster {
	engine := k.engine.Load()
	if engine == nil {
		http.Error(w, "no kubelet runs yet", http.StatusServiceUnavailable)
	}
	return engine
}

// logs answers a request for what a container has printed.
func (k *kubelets) logs(w http.ResponseWriter, req *http.Request) {
	engine := k.cluster(w)
	if engine == nil {
		return
	}
	o := &corev1.PodLogOptions{}
	if err := legacyscheme.ParameterCodec.DecodeParameters(req.URL.Query(), corev1.SchemeGroupVersion, o); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	read := func() (*kubelet.Log, error) {
		return engine.Log(req.PathValue("namespace"), req.PathValue("pod"), req.PathValue("container"), o.Previous)
	}
	log, err := read()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	out := http.NewResponseController(w)
	if _, err := io.WriteString(w, log.Select(o)); err != nil {
		return // the client has gone
	}
	for o.Follow && log.Running {
		_ = out.Flush() // what fails here fails when it is written
		select {
		case <-req.Context().Done():
			return
		case <-time.After(followEvery):
		}
		next, err := read()
		if err != nil || next.Run != log.Run {
			return
		}
		more := &corev1.PodLogOptions{Timestamps: o.Timestamps, Stream: o.Stream}
		if _, err := io.WriteString(w, next.Beyond(log).Select(more)); err != nil {
			return
		}
		log = next
	}
}

// exec runs a command.
func (k *kubelets) exec(w http.ResponseWriter, req *http.Request) {
	engine := k.cluster(w)
	if engine == nil {
		return
	}
	namespace, pod, container := req.PathValue("namespace"), req.PathValue("pod"), req.PathValue("container")
	command := req.URL.Query()["command"]
	streams, err := remotecommand.NewOptions(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	printed, err := engine.Exec(namespace, pod, container, command)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	run := executor(func(ctx context.Context, out, errOut io.Writer) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(printed.Takes):
		}
		if err := write(out, printed.Out); err != nil {
			return err
		}
		if err := write(errOut, printed.Err); err != nil || printed.Code == 0 {
			return err
		}
		return utilexec.CodeExitError{
			Err: errors.New("exit code " + strconv.Itoa(int(printed.Code))), Code: int(printed.Code),
		}
	})
	remotecommand.ServeExec(w, req, run, pod, "", container, command, streams, streamIdle, streamCreated, protocols)
}

// attach shows what a container prints.
func (k *kubelets) attach(w http.ResponseWriter, req *http.Request) {
	engine := k.cluster(w)
	if engine == nil {
		return
	}
	namespace, pod, container := req.PathValue("namespace"), req.PathValue("pod"), req.PathValue("container")
	streams, err := remotecommand.NewOptions(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	log, err := engine.Log(namespace, pod, container, false)
	if err == nil && !log.Running {
		err = fmt.Errorf("container %s of pod %s does not run", container, pod)
	}
	if err == nil && streams.Stdin {
		err = fmt.Errorf(
			"the containers of pod %q are simulated: no process runs in them that would read its standard input", pod,
		)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	run := executor(func(ctx context.Context, out, _ io.Writer) error {
		for log.Running {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(followEvery):
			}
			next, err := engine.Log(namespace, pod, container, false)
			if err != nil || next.Run != log.Run {
				return nil // it is gone
			}
			if err := write(out, next.Beyond(log).Text()); err != nil {
				return err
			}
			log = next
		}
		return nil
	})
	remotecommand.ServeAttach(w, req, run, pod, "", container, streams, streamIdle, streamCreated, protocols)
}

// protocols are the versions of the protocol of streams that are spoken.
var protocols = remotecommand.SupportedStreamingProtocols

// write writes a text to a stream, if there is one.
func write(to io.Writer, text string) error {
	if to == nil || text == "" {
		return nil
	}
	_, err := io.Copy(to, strings.NewReader(text))
	return err
}

// executor writes what a command prints.
type executor func(ctx context.Context, out, errOut io.Writer) error

// ExecInContainer answers a request to run a command.
func (e executor) ExecInContainer(
	ctx context.Context, _, _, _ string, _ []string, _ io.Reader, out, errOut io.WriteCloser, _ bool,
	_ <-chan remotecommand.TerminalSize, _ time.Duration,
) error {
	return e(ctx, writer(out), writer(errOut))
}

// AttachContainer answers a request to attach to a container.
func (e executor) AttachContainer(
	ctx context.Context, _, _, _ string, _ io.Reader, out, errOut io.WriteCloser, _ bool,
	_ <-chan remotecommand.TerminalSize,
) error {
	return e(ctx, writer(out), writer(errOut))
}

// writer returns a stream as a writer, nil if it was not asked for.
func writer(stream io.WriteCloser) io.Writer {
	if stream == nil {
		return nil
	}
	return stream
}
