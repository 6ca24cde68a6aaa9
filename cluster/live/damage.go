package live

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"
)

// errDamaged says that the files of a store are not as etcd left them.
var errDamaged = errors.New("its data are damaged")

// etcdKeys is the bucket in which etcd keeps keys and values.
var etcdKeys = []byte("key")

// consistentIndex is where it keeps, among what it knows of itself, the number of the last write that is in the database.
var etcdMeta, consistentIndex = []byte("meta"), []byte("consistent_index")

// checkData reads what etcd is about to open. Most damage would end the process where nothing can
// be said of it any more; a log that is gone, or ends before what the database holds, would be waited for.
func checkData(folder string) error {
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return nil // a new one
	}
	if _, err := os.Stat(filepath.Join(folder, "member")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: nothing is left of them", errDamaged)
	}
	database := filepath.Join(folder, "member", "snap", "db")
	held := contents{}
	if file, err := os.Stat(database); err == nil && file.Size() > 0 { // else etcd makes it anew from its log
		if held, err = readDatabase(database); err != nil {
			return err
		}
	}
	written := filepath.Join(folder, "member", "wal")
	logs, err := filepath.Glob(filepath.Join(written, "*.wal"))
	switch {
	case err != nil:
		return err
	case len(logs) == 0 && held.keys > 0:
		return fmt.Errorf("%w: the log in %s is gone", errDamaged, written)
	case len(logs) == 0:
		return nil
	}
	last, err := readLog(written)
	if err == nil && last < held.applied {
		err = fmt.Errorf("it ends with write %d, and the database holds %d: it was cut off, or is of another time", last, held.applied)
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errDamaged, written, err)
	}
	return nil
}

// contents is what a database holds.
type contents struct {
	keys    int    // of etcd's clients
	applied uint64 // number of the last write of the log that is in it
}

// readDatabase reads all of a database.
func readDatabase(name string) (held contents, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // a file that is too short
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %s: %v", errDamaged, name, r)
		}
	}()
	db, err := bbolt.Open(name, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if errors.Is(err, fs.ErrPermission) {
		return held, err
	}
	if err != nil {
		return held, fmt.Errorf("%w: %s: %w", errDamaged, name, err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		if meta := tx.Bucket(etcdMeta); meta != nil {
			if index := meta.Get(consistentIndex); len(index) == 8 {
				held.applied = binary.BigEndian.Uint64(index)
			}
		}
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			n, err := readBucket(b, bytes.Equal(name, etcdKeys))
			held.keys += n
			return err
		})
	})
	if err == nil {
		err = checkPages(name, db.Info().PageSize)
	}
	if err != nil {
		return held, fmt.Errorf("%w: %s: %w", errDamaged, name, err)
	}
	return held, nil
}

// checkPages looks whether the pages of a database hang together, as etcd will, and panics where they do not. It
// must be done last: what else is damaged would end the process, or fill its memory.
func checkPages(name string, size int) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer closeQuietly(f)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	pages := uint64(info.Size()) / uint64(size)
	for id := range pages {
		head := make([]byte, 16)
		if _, err := f.ReadAt(head, int64(id)*int64(size)); err != nil {
			return err
		}
		number, more := binary.LittleEndian.Uint64(head), binary.LittleEndian.Uint32(head[12:])
		if number == id && id+uint64(more) >= pages {
			return fmt.Errorf("page %d does not end", id)
		}
	}
	db, err := bbolt.Open(name, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true, Timeout: time.Second})
	if err != nil {
		return err
	}
	return db.Close()
}

// readBucket reads a bucket, in which keys ascend, and are found. It counts those of etcd's clients.
func readBucket(b *bbolt.Bucket, ofClients bool) (keys int, err error) {
	var last []byte
	looking := b.Cursor()
	err = b.ForEach(func(k, v []byte) error {
		if last != nil && bytes.Compare(last, k) >= 0 {
			return errors.New("its keys are out of order")
		}
		if found, _ := looking.Seek(k); !bytes.Equal(found, k) {
			return errors.New("its pages do not hang together")
		}
		last = k
		if !ofClients {
			return nil
		}
		keys++
		return proto.Unmarshal(v, new(mvccpb.KeyValue))
	})
	return keys, err
}

// readLog reads the log of writes, and changes nothing there: etcd itself would repair damage at its
// beginning to a log of nothing. What a killed process has cut short at the end was never acknowledged.
// It gives the number of the last write.
func readLog(folder string) (last uint64, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	snapshots, err := wal.ValidSnapshotEntries(zap.NewNop(), folder)
	if err != nil {
		return 0, err
	}
	if len(snapshots) == 0 {
		return 0, errors.New("it is cut off at its beginning")
	}
	snapshot := snapshots[len(snapshots)-1]
	if _, err := wal.Verify(zap.NewNop(), folder, snapshot); err != nil {
		return 0, err
	}
	w, err := wal.OpenForRead(zap.NewNop(), folder, snapshot)
	if err != nil {
		return 0, err
	}
	defer w.Close()
	_, _, writes, err := w.ReadAll()
	if err != nil {
		return 0, err
	}
	last = snapshot.GetIndex()
	for _, e := range writes {
		last = max(last, e.GetIndex())
	}
	return last, nil
}
