package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/seatrial/seatrial/internal/atomicfile"
	"github.com/seatrial/seatrial/internal/platform"
)

// Folder is the folder of a cluster.
type Folder string

func (f Folder) path(name string) string { return filepath.Join(string(f), name) }

func (f Folder) pki() string     { return f.path("pki") }
func (f Folder) etcd() string    { return f.path("etcd") }
func (f Folder) kubelet() string { return f.path("kubelet.json") }
func (f Folder) facts() string   { return f.path("cluster.json") }
func (f Folder) unmade() string  { return f.path("etcd.unmade") } // there while the store is made

// Log is the file that a cluster in the background writes to.
func (f Folder) Log() string { return f.path("log") }

// CreateLog creates an empty log.
func (f Folder) CreateLog() (*os.File, error) {
	if err := makeFolder(string(f)); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(f.Log(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making the log of the cluster: %w; --data-dir names another folder", err)
	}
	return log, nil
}

// minRoom is how many bytes a cluster cannot go on without: etcd writes a page of its log at least.
const minRoom = 1 << 20

// CheckRoom returns why the folder cannot be written to, if it cannot: a process that ended because of a full disk
// could not write the reason to its log there.
func (f Folder) CheckRoom() error {
	probe, err := os.CreateTemp(string(f), "room-*")
	if err != nil {
		return storeError("writing", string(f), err)
	}
	defer os.Remove(probe.Name())
	_, err = probe.Write(make([]byte, minRoom))
	if err := errors.Join(err, probe.Sync(), probe.Close()); err != nil {
		return storeError("writing", string(f), err)
	}
	return nil
}

// Facts are what clients need to know to reach a cluster.
type Facts struct {
	Port  int    `json:"port"`
	URL   string `json:"url"`
	Store string `json:"store,omitempty"` // endpoints of an external etcd
}

// Facts reads what the cluster of the folder said of itself when it was last started.
func (f Folder) Facts() (Facts, error) {
	var facts Facts
	data, err := os.ReadFile(f.facts())
	if err != nil {
		return facts, err
	}
	if err := json.Unmarshal(data, &facts); err != nil {
		return facts, fmt.Errorf("reading %s: %w", f.facts(), err)
	}
	return facts, nil
}

// remembered returns the saved state of the kubelets; nil: there is none.
func (f Folder) remembered() ([]byte, error) {
	data, err := os.ReadFile(f.kubelet())
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading what the kubelets remember: %w", err)
	case !json.Valid(data):
		return nil, fmt.Errorf("%s is damaged; delete the file, and containers begin anew", f.kubelet())
	}
	return data, nil
}

// Running returns the process that runs the cluster of the folder: the holder of its lock. What a killed one has left
// does not count.
func (f Folder) Running() (pid int, running bool) {
	unlock, err := f.lock()
	var used *InUseError
	if errors.As(err, &used) {
		return used.PID, true
	}
	if err == nil {
		unlock()
	}
	return 0, false
}

// InUseError reports that a cluster runs on a folder.
type InUseError struct {
	Folder Folder
	PID    int // 0: not known
}

func (e *InUseError) Error() string {
	return fmt.Sprintf(
		"the cluster in %s runs already (process %d); `seatrial down` ends it, --data-dir names another folder",
		e.Folder,
		e.PID,
	)
}

const lockName = "lock"

// lock excludes other processes from the folder. It ends with the process, however that ends.
func (f Folder) lock() (unlock func(), err error) {
	file, err := os.OpenFile(f.path(lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the cluster: %w; --data-dir names another folder", err)
	}
	if err := platform.TryLock(file); err != nil {
		defer closeQuietly(file)
		if !errors.Is(err, platform.ErrLocked) {
			return nil, fmt.Errorf("locking the cluster: %w", err)
		}
		return nil, &InUseError{f, readPID(file)}
	}
	return func() { closeQuietly(file) }, writePID(file)
}

func readPID(r io.Reader) (pid int) {
	if _, err := fmt.Fscan(r, &pid); err != nil {
		return 0 // it has just been taken
	}
	return pid
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("locking the cluster: %w", err)
	}
	if _, err := fmt.Fprintln(f, os.Getpid()); err != nil {
		return fmt.Errorf("locking the cluster: %w", err)
	}
	return nil
}

func closeQuietly(f *os.File) { _ = f.Close() }

// makeFolder creates a folder that only its owner can read, or changes it so.
func makeFolder(name string) error {
	if err := os.MkdirAll(name, 0o700); err != nil {
		return fmt.Errorf("making the folder of the cluster: %w; --data-dir names another one", err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return fmt.Errorf("making the folder of the cluster: %w", err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := os.Chmod(name, 0o700); err != nil {
		return fmt.Errorf(
			"others can look into %s, which is to hold keys: %w; --data-dir names another folder", name, err,
		)
	}
	return nil
}

// makeStore prepares the creation of a store. Until made is called, nothing in it has been acknowledged; if it is never
// called, the next start creates the store again: an etcd that is interrupted while it creates its first log may never
// start again.
func (f Folder) makeStore() (made func() error, err error) {
	if _, err := os.Stat(f.unmade()); err == nil {
		if err := os.RemoveAll(f.etcd()); err != nil {
			return nil, fmt.Errorf("deleting a store that was not finished: %w", err)
		}
	} else if _, err := os.Stat(f.etcd()); err == nil {
		return func() error { return nil }, nil // it was made long ago
	}
	if err := atomicfile.Write(f.unmade(), nil, 0o600); err != nil {
		return nil, err
	}
	return f.storeMade, platform.SyncFolder(string(f))
}

// storeMade removes the mark of an unfinished store for good: with the mark the store would be deleted.
func (f Folder) storeMade() error {
	if err := os.Remove(f.unmade()); err != nil {
		return fmt.Errorf("making the store: %w", err)
	}
	return platform.SyncFolder(string(f))
}

// writeFacts writes the facts of a running cluster.
func (f Folder) writeFacts(facts Facts) error {
	data, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	return atomicfile.Write(f.facts(), append(data, '\n'), 0o600)
}

// Purge deletes the cluster of the folder, and the folder if nothing else is in it. An interrupted Purge leaves an
// unfinished store: the next start creates it again.
func (f Folder) Purge() error {
	unlock, err := f.lock()
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(f.etcd()); err == nil {
		if err := errors.Join(atomicfile.Write(f.unmade(), nil, 0o600), platform.SyncFolder(string(f))); err != nil {
			return fmt.Errorf("deleting the cluster: %w", err)
		}
	}
	for _, name := range []string{f.etcd(), f.unmade(), f.pki(), f.kubelet(), f.facts(), f.Log(), f.path(lockName)} {
		if err := os.RemoveAll(name); err != nil {
			return fmt.Errorf("deleting the cluster: %w", err)
		}
	}
	if err := os.Remove(string(f)); err != nil && !errors.Is(err, syscall.ENOTEMPTY) {
		return fmt.Errorf("deleting the cluster: %w", err)
	}
	return nil
}
