package trial

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seatrial/seatrial/internal/atomicfile"
	"github.com/seatrial/seatrial/internal/memstore"
	"github.com/seatrial/seatrial/internal/platform"
)

// A trial file is a line with its format and the checksum of the rest, then the state, then the database. It is
// replaced as a whole; the previous one is kept beside it.
const (
	format         = "seatrial-trial/1"
	newSuffix      = ".new"
	previousSuffix = ".previous"
	lockSuffix     = ".lock"
)

// lockPatience is how long a command waits for another one on the same trial.
const lockPatience = 10 * time.Second

// DamagedError reports that a file is not as it was saved, and what to do.
type DamagedError struct {
	Path   string
	Reason string
}

func (e *DamagedError) Error() string {
	hint := "`seatrial reset` starts anew"
	if _, err := os.Stat(e.Path + previousSuffix); err == nil {
		hint = fmt.Sprintf(
			"the save before it is in %s: move it in place, or start anew with `seatrial reset`", e.Path+previousSuffix,
		)
	}
	return fmt.Sprintf("the trial in %s is damaged: %s; %s", e.Path, e.Reason, hint)
}

func load(path string) (*state, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the trial: %w", err)
	}
	head, body, found := bytes.Cut(data, []byte("\n"))
	sum, ours := strings.CutPrefix(string(head), format+" ")
	if !found || !ours {
		return nil, &DamagedError{path, fmt.Sprintf("it does not begin with %q", format)}
	}
	if sum != checksum(body) {
		return nil, &DamagedError{path, "its checksum is wrong"}
	}
	r := bytes.NewReader(body)
	s := &state{}
	if err := gob.NewDecoder(r).Decode(s); err != nil {
		return nil, &DamagedError{path, err.Error()}
	}
	if s.db, err = memstore.Load(r); err != nil {
		return nil, &DamagedError{path, err.Error()}
	}
	return s, nil
}

// save replaces the file. Whenever it is interrupted, either the old or the new file exists, whole. The caller holds
// the lock, so that the names beside the file belong to it; the next save overwrites what an interrupted one has left.
func save(path string, s *state) error {
	var body bytes.Buffer
	if err := gob.NewEncoder(&body).Encode(s); err != nil {
		return fmt.Errorf("saving the trial: %w", err)
	}
	body.Write(s.saved)
	if err := swap(path, body.Bytes()); err != nil {
		return fmt.Errorf("saving the trial, which stays as it was before the command: %w", err)
	}
	return nil
}

// swap writes the new file, links the old one to its second name, and renames the new one to its place.
func swap(path string, body []byte) error {
	f, err := atomicfile.Create(path, path+newSuffix, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "%s %s\n", format, checksum(body)); err != nil {
		return err
	}
	if _, err := f.Write(body); err != nil {
		return err
	}
	if err := f.Flush(); err != nil {
		return err
	}
	if err := keep(path); err != nil {
		return err
	}
	return f.Commit()
}

func checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// keep links the file to a second name, under which it outlives its replacement. Once there were two saves, one always
// exists under that name.
func keep(path string) error {
	temporary := path + previousSuffix + newSuffix
	if err := os.Remove(temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	err := os.Link(path, temporary)
	switch {
	case errors.Is(err, os.ErrNotExist): // the first save
		return nil
	case err != nil: // a file system without links
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(temporary, data, 0o600); err != nil {
			return err
		}
	}
	return os.Rename(temporary, path+previousSuffix)
}

// lock excludes other commands from the trial. The lock file is not removed: two commands could then hold locks of the
// same name.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the trial: %w; name another file with --trial", err)
	}
	f, err := os.OpenFile(path+lockSuffix, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the trial: %w; name another file with --trial", err)
	}
	for deadline := time.Now().Add(lockPatience); ; {
		err := platform.TryLock(f)
		if err == nil {
			return func() { closeQuietly(f) }, nil
		}
		if !errors.Is(err, platform.ErrLocked) {
			closeQuietly(f)
			return nil, fmt.Errorf("locking the trial: %w", err)
		}
		switch {
		case ctx.Err() != nil:
			closeQuietly(f)
			return nil, fmt.Errorf("interrupted while another command was working on the trial in %s", path)
		case time.Now().After(deadline):
			closeQuietly(f)
			return nil, fmt.Errorf(
				"another command is working on the trial in %s: wait for it to end, or use another file with --trial",
				path,
			)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// closeQuietly closes a file that nothing was written to.
func closeQuietly(f io.Closer) { _ = f.Close() }
