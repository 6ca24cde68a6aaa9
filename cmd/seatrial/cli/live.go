package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/internal/live"
	"github.com/seatrial/seatrial/internal/platform"
	"github.com/seatrial/seatrial/source"
)

const (
	// livePort is where the first cluster of a folder listens, unless it is told otherwise.
	livePort = 27443
	// etcdPrefix keeps the keys of a cluster apart from those of others in an external etcd.
	etcdPrefix = "/seatrial"
	// startPatience is how long a cluster may take to come up.
	startPatience = 2 * time.Minute
	// endPatience is how long it may take to end.
	endPatience = 30 * time.Second
	// tellEnv names the file descriptor on which a cluster in the background says that it is up.
	tellEnv = "SEATRIAL_TELL"
	// readyWord is what it says then; anything else is why it is not.
	readyWord = "ready "
)

// upOptions are the options of up.
type upOptions struct {
	Streams
	foreground bool
	port       int
	portGiven  bool
	nodes      []string
	folder     string
	etcd       live.ExternalEtcd
	admission  live.Admission
}

func newUpCommand(s Streams) *cobra.Command {
	o := &upOptions{Streams: s}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the live cluster: real time, etcd, and a port for kubectl",
		Long: `Start the live cluster, in the background: Kubernetes' own API server on an etcd of its own,
with controllers, scheduler and simulated nodes, in real time, for kubectl, helm and every other
client. Containers are simulated: no process runs in them.

It listens on 127.0.0.1 alone. Its context, "seatrial", is merged into your kubeconfig; it
becomes the current one only if there was none. What is stored outlives down; down --purge
deletes it.`,
		Example: `  seatrial up
  seatrial up --nodes 3x4cpu16Gi --port 6443
  seatrial up --etcd-endpoints https://etcd-1:2379 --etcd-ca ca.crt --etcd-cert me.crt --etcd-key me.key`,
		Args: exactArgs(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.portGiven = cmd.Flags().Changed("port")
			return o.run(cmd.Context())
		},
	}
	bindFolder(cmd, &o.folder)
	f := cmd.Flags()
	f.BoolVar(&o.foreground, "foreground", false, "do not go into the background; an interrupt ends the cluster")
	f.IntVar(
		&o.port, "port", livePort,
		"`port` on 127.0.0.1; 0: any that is free (default: that of last time, or "+strconv.Itoa(livePort)+")",
	)
	f.StringArrayVar(&o.nodes, "nodes", nil, nodesHelp)
	f.StringSliceVar(
		&o.etcd.Endpoints, "etcd-endpoints", nil, "`URLs` of an etcd that runs already, instead of one of its own",
	)
	f.StringVar(&o.etcd.Prefix, "etcd-prefix", etcdPrefix, "`prefix` of all keys in that etcd")
	f.StringVar(&o.etcd.CAFile, "etcd-ca", "", "`file` with the certificate authority of that etcd")
	f.StringVar(&o.etcd.CertFile, "etcd-cert", "", "`file` with the certificate for that etcd")
	f.StringVar(&o.etcd.KeyFile, "etcd-key", "", "`file` with the key for that etcd")
	f.StringSliceVar(
		&o.admission.Enable, "enable-admission-plugins", nil,
		"admission `plugins` to run beside those that run by default, by kube-apiserver's names",
	)
	f.StringSliceVar(&o.admission.Disable, "disable-admission-plugins", nil, "admission `plugins` not to run")
	return cmd
}

// nodesHelp is the help of --nodes.
const nodesHelp = "nodes of the cluster: `count`xCPUMEMORY such as 3x4cpu16Gi, demo, kind, 3-zone, a file of Node objects, or -; may be repeated"

func bindFolder(cmd *cobra.Command, folder *string) {
	cmd.GroupID = liveGroup
	cmd.Flags().StringVar(folder, "data-dir", "", "`folder` of the live cluster (default: one in your state folder)")
}

// liveGroup is the heading of these commands in the help.
const liveGroup = "live"

// liveFolder finds the folder of the live cluster.
func liveFolder(s Streams, name string) (live.Folder, error) {
	if name == "" {
		state, err := stateFolder(s)
		if err != nil {
			return "", &exitError{
				exitFailed, fmt.Errorf("no folder for the cluster: %w; name one with --data-dir", err),
			}
		}
		name = filepath.Join(state, "live")
	}
	absolute, err := filepath.Abs(name)
	if err != nil {
		return "", &exitError{exitFailed, err}
	}
	return live.Folder(absolute), nil
}

func (o *upOptions) run(ctx context.Context) error {
	folder, err := liveFolder(o.Streams, o.folder)
	if err != nil {
		return err
	}
	config := live.Config{Folder: folder, Port: o.port, Etcd: o.etcd, Admission: o.admission}
	if o.inBackground() && len(o.nodes) > 0 {
		o.nodes = []string{source.Stdin}
	}
	if config.Nodes, err = parseNodes(ctx, o.Streams, o.nodes); err != nil {
		return err
	}
	if err := o.etcd.Validate(); err != nil {
		return usageError("--etcd-endpoints: %v", err)
	}
	if o.port < 0 || o.port > math.MaxUint16 {
		return usageError("--port %d: want 0 to %d", o.port, math.MaxUint16)
	}
	if facts, err := folder.Facts(); err == nil && !o.portGiven {
		config.Port = facts.Port
	}
	if pid, running := folder.Running(); running && !o.inBackground() { // whose parent must hear of it
		return o.alreadyUp(folder, pid)
	}
	if o.foreground {
		err = o.serve(ctx, config)
	} else {
		err = o.detach(ctx, folder, config.Nodes)
	}
	if err != nil {
		return &exitError{exitFailed, err}
	}
	return nil
}

// alreadyUp is not an error, unless another cluster was wanted than the one that runs.
func (o *upOptions) alreadyUp(folder live.Folder, pid int) error {
	facts, err := folder.Facts()
	if err != nil {
		return &exitError{exitFailed, &live.InUseError{Folder: folder, PID: pid}}
	}
	if o.portGiven && o.port != 0 && o.port != facts.Port ||
		len(o.nodes)+len(o.etcd.Endpoints)+len(o.admission.Enable)+len(o.admission.Disable) > 0 {
		return &exitError{
			exitFailed,
			fmt.Errorf(
				"%w; what it consists of cannot be changed while it runs", &live.InUseError{Folder: folder, PID: pid},
			),
		}
	}
	file, err := folder.AddContext()
	if err != nil {
		return &exitError{exitFailed, err}
	}
	fmt.Fprintf(o.Out, "The cluster runs already: %s (process %d).\n", facts.URL, pid)
	return o.tellHow(file)
}

func (o *upOptions) tellHow(kubeconfig string) error {
	_, err := fmt.Fprintf(o.Out, `Its context is %q in %s:

  seatrial create -f FILE --context %[1]s
  kubectl --context %[1]s get nodes

`+"`seatrial down`"+` ends it.
`, live.ContextName, kubeconfig)
	return err
}

// serve runs the cluster in this process until it is told to end.
func (o *upOptions) serve(ctx context.Context, config live.Config) (err error) {
	tell := teller()
	defer func() {
		if err != nil {
			tell(err.Error())
		}
	}()
	log := &patientLog{w: o.Err}
	log.hold()
	logWarnings(log)
	debug.SetMemoryLimit(math.MaxInt64) // that of short commands is too tight
	debug.SetGCPercent(liveGC)
	config.Log = log
	config.Fatal = func(err error) {
		log.show()
		fmt.Fprintln(o.Err, "seatrial:", err)
		tell(err.Error()) // to a parent that may still wait: the log may be on a disk that is full
		os.Exit(exitFailed)
	}
	starting, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	c, err := live.Start(starting, config)
	switch {
	case err != nil && ctx.Err() != nil:
		return errNotUp
	case err != nil:
		log.show()
		return err
	}
	log.forget()
	file, err := config.Folder.AddContext()
	if err != nil {
		return errors.Join(err, c.Close())
	}
	// in the background to a log, which thereby has its room on the disk
	fmt.Fprintf(o.Out, "The cluster is up: %s.\n", c.URL)
	if !o.inBackground() {
		if err := o.tellHow(file); err != nil {
			return errors.Join(err, c.Close())
		}
	}
	tell(readyWord + file)
	select {
	case <-ctx.Done():
		log.hold()
		if err := c.Close(); err != nil {
			log.show()
			return err
		}
		_, err := fmt.Fprintln(o.Out, isDown)
		return err
	case <-c.Ended():
		return errors.Join(errors.New("the cluster has ended by itself"), c.Close())
	}
}

var errNotUp = errors.New("interrupted: the cluster is not up")

const isDown = "The cluster is down."

// liveGC is how much garbage the heap of a live cluster may hold, in percent.
const liveGC = 100

// logWarnings lets Kubernetes tell what worries it. Its everyday log is not for users.
func logWarnings(w io.Writer) {
	klog.ClearLogger()
	var flags flag.FlagSet
	klog.InitFlags(&flags)
	// or it would tell errors twice
	for name, value := range map[string]string{"logtostderr": "false", "stderrthreshold": "FATAL"} {
		if err := flags.Set(name, value); err != nil {
			panic(err) // never: these are flags of klog's
		}
	}
	klog.SetOutput(io.Discard)
	klog.SetOutputBySeverity("WARNING", w)
}

// patientLog can hold back what is logged while a cluster comes up or ends: worries of a moment, unless
// it fails.
type patientLog struct {
	w io.Writer

	mu      sync.Mutex
	holding bool
	held    bytes.Buffer
}

func (l *patientLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holding {
		return l.held.Write(b)
	}
	return l.w.Write(b)
}

func (l *patientLog) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holding = true
}

// show writes what was held back.
func (l *patientLog) show() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holding = false
	_, _ = l.held.WriteTo(l.w) // if nobody can read it, nobody can be told so
}

func (l *patientLog) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holding = false
	l.held.Reset()
}

// inBackground tells whether this is the process that up has started.
func (o *upOptions) inBackground() bool { return o.foreground && os.Getenv(tellEnv) != "" }

// teller gives the way to tell the parent process of one thing: that the cluster is up, or why
// it is not.
func teller() func(string) {
	fd, err := strconv.Atoi(os.Getenv(tellEnv))
	if err != nil {
		return func(string) {}
	}
	parent := os.NewFile(uintptr(fd), "parent")
	return func(word string) {
		fmt.Fprintln(parent, strings.ReplaceAll(word, "\n", "; ")) // nobody may be listening any more
		parent.Close()
	}
}

// detach starts this program anew in the background, and waits until the cluster is up.
func (o *upOptions) detach(ctx context.Context, folder live.Folder, nodes []*corev1.Node) error {
	log, err := folder.CreateLog()
	if err != nil {
		return err
	}
	defer log.Close()
	told, tell, err := os.Pipe()
	if err != nil {
		return err
	}
	defer told.Close()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	handed, err := handOver(nodes)
	if err != nil {
		return err
	}
	defer handed.Close()
	cmd := exec.Command(program, append(os.Args[1:], "--foreground")...)
	cmd.Stdin = handed
	cmd.Args[0] = os.Args[0]
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{tell}
	cmd.Env = append(os.Environ(), tellEnv+"=3")
	if err := platform.Detach(cmd); err != nil {
		return errors.Join(fmt.Errorf("going into the background: %w; run it with --foreground", err), tell.Close())
	}
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("going into the background: %w", err), tell.Close())
	}
	if err := tell.Close(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	word, err := bufio.NewReader(told).ReadString('\n')
	switch {
	case ctx.Err() != nil:
		return errNotUp
	case err != nil:
		if err := folder.CheckRoom(); err != nil {
			return fmt.Errorf("the cluster has ended before it was up: %w", err)
		}
		return fmt.Errorf(
			"the cluster has ended before it was up; %s tells more: %s", folder.Log(), lastLine(folder.Log()),
		)
	case !strings.HasPrefix(word, readyWord):
		return errors.New(strings.TrimSpace(word))
	}
	facts, err := folder.Facts()
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "The cluster is up: %s (process %d, log in %s).\n", facts.URL, cmd.Process.Pid, folder.Log())
	if err := o.tellHow(strings.TrimSpace(strings.TrimPrefix(word, readyWord))); err != nil {
		return err
	}
	return cmd.Process.Release()
}

// handOver writes the nodes for the process in the background, which cannot read what may be a pipe again.
func handOver(nodes []*corev1.Node) (*os.File, error) {
	f, err := unnamedFile()
	if err != nil {
		return nil, err
	}
	w := json.NewEncoder(f)
	for _, n := range nodes {
		n = n.DeepCopy()
		n.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Node"))
		if err := w.Encode(n); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// lastLine gives what a log ends with.
func lastLine(name string) string {
	data, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return lines[len(lines)-1]
}

// downOptions are the options of down.
type downOptions struct {
	Streams
	folder string
	purge  bool
}

func newDownCommand(s Streams) *cobra.Command {
	o := &downOptions{Streams: s}
	cmd := &cobra.Command{
		Use:   "down",
		Short: "End the live cluster; --purge deletes what it has stored",
		Long: `End the live cluster. What it has stored stays, and so does its context in your kubeconfig:
the next up goes on from there. --purge deletes both.`,
		Example: `  seatrial down
  seatrial down --purge`,
		Args: exactArgs(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.run(cmd.Context()); err != nil {
				return &exitError{exitFailed, err}
			}
			return nil
		},
	}
	bindFolder(cmd, &o.folder)
	cmd.Flags().BoolVar(&o.purge, "purge", false, "delete what is stored, and the context in the kubeconfig")
	return cmd
}

func (o *downOptions) run(ctx context.Context) error {
	folder, err := liveFolder(o.Streams, o.folder)
	if err != nil {
		return err
	}
	if _, err := os.Stat(string(folder)); errors.Is(err, fs.ErrNotExist) {
		_, err := fmt.Fprintf(o.Out, "There is no cluster in %s.\n", folder)
		return err
	}
	if pid, running := folder.Running(); running {
		if err := end(ctx, folder, pid); err != nil {
			return err
		}
		fmt.Fprintln(o.Out, isDown)
	} else {
		fmt.Fprintln(o.Out, "The cluster was not up.")
	}
	if !o.purge {
		return nil
	}
	facts, _ := folder.Facts() // they are missing if it was never up
	if err := folder.RemoveContext(); err != nil {
		return err
	}
	if err := folder.Purge(); err != nil {
		return err
	}
	fmt.Fprintln(o.Out, "What it had stored is deleted.")
	if facts.Store != "" {
		fmt.Fprintf(o.Out, "What it had stored in the etcd at %s stays there.\n", facts.Store)
	}
	return nil
}

// end asks the process of a cluster to end, and waits until it has.
func end(ctx context.Context, folder live.Folder, pid int) error {
	if pid <= 0 {
		return fmt.Errorf("the cluster in %s is just starting: try again in a moment", folder)
	}
	if err := platform.Terminate(pid); err != nil {
		return fmt.Errorf("ending process %d: %w", pid, err)
	}
	for deadline := time.Now().Add(endPatience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted: the cluster in %s goes on ending, and what it has stored stays", folder)
		}
		if now, running := folder.Running(); !running || now != pid && now != 0 {
			return nil
		}
	}
	return fmt.Errorf(
		"process %d has not ended within %v; kill -9 %[1]d ends it at once, and loses nothing that was acknowledged",
		pid, endPatience,
	)
}

// liveStatus tells whether the live cluster is up, if there is one.
func liveStatus(s Streams, out io.Writer) error {
	folder, err := liveFolder(s, "")
	if err != nil {
		return nil // nor is there a cluster
	}
	facts, err := folder.Facts()
	if err != nil {
		return nil // it has never been up
	}
	state := "down; `seatrial up` starts it again"
	if pid, running := folder.Running(); running {
		state = fmt.Sprintf("%s (process %d, context %q)", facts.URL, pid, live.ContextName)
	}
	_, err = fmt.Fprintf(out, "Live:       %s\n", state)
	return err
}
