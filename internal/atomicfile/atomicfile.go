// Package atomicfile replaces files as a whole: whoever reads one sees the old content or the new one, never a part.
//
// The central function is [Write]. [Create] is for writers that have something to do between writing and replacing.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seatrial/seatrial/internal/platform"
)

// Write replaces the file with that name, or creates it. The content is on the disk before the file has its name.
func Write(name string, data []byte, mode fs.FileMode) error {
	f, err := Create(name, "", mode)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}

// WriteUnsynced is as Write, but does not wait for the disk: for files that can be made again.
func WriteUnsynced(name string, data []byte, mode fs.FileMode) error {
	f, err := Create(name, "", mode)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.File.Close(); err != nil {
		return err
	}
	return f.rename()
}

// Update replaces the content of a file that exists. Its mode stays; a symbolic link is followed.
func Update(name string, data []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return Write(name, data, info.Mode().Perm())
}

// File is a file that is being written under a temporary name, in the folder of the one that it replaces.
type File struct {
	*os.File
	name string
	done bool
}

// Create creates a file that replaces the one with that name on [File.Commit]. Without a name for the temporary
// file a new one is drawn; with one, what an interrupted writer has left there is overwritten, and the caller makes
// sure that there is no other writer.
func Create(name, temporary string, mode fs.FileMode) (*File, error) {
	var f *os.File
	var err error
	if temporary == "" {
		f, err = os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	} else {
		f, err = os.OpenFile(temporary, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	}
	if err != nil {
		return nil, err
	}
	out := &File{File: f, name: name}
	if err := f.Chmod(mode); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

// Flush writes the content to the disk and closes the file, which still has its temporary name.
func (f *File) Flush() error { return errors.Join(f.File.Sync(), f.File.Close()) }

// Commit gives the file its name, after Flush if that has not been called.
func (f *File) Commit() error {
	if err := f.Flush(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	if err := f.rename(); err != nil {
		return err
	}
	return platform.SyncFolder(filepath.Dir(f.name))
}

// rename gives the file its name. On Windows, too, os.Rename replaces a file.
func (f *File) rename() error {
	if err := os.Rename(f.File.Name(), f.name); err != nil {
		return err
	}
	f.done = true
	return nil
}

// Close removes a file that was not committed.
func (f *File) Close() error {
	if f.done {
		return nil
	}
	f.done = true
	if err := f.File.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return errors.Join(err, os.Remove(f.File.Name()))
	}
	return os.Remove(f.File.Name())
}
