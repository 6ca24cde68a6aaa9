package live

import (
	"bytes"
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

// checkData reads what etcd is about to open. Most damage would end the process where nothing can
// be said of it any more, and a log that is gone would be waited for.
func checkData(folder string) error {
	database := filepath.Join(folder, "member", "snap", "db")
	if file, err := os.Stat(database); errors.Is(err, fs.ErrNotExist) || err == nil && file.Size() == 0 {
		return nil // a new one, or one that etcd makes anew from its log
	}
	keys, err := readDatabase(database)
	if err != nil {
		return err
	}
	written := filepath.Join(folder, "member", "wal")
	logs, err := filepath.Glob(filepath.Join(written, "*.wal"))
	if err == nil && len(logs) == 0 && keys > 0 {
		err = fmt.Errorf("%w: the log in %s is gone", errDamaged, written)
	}
	return err
}

// readDatabase reads all of a database, and counts its keys.
func readDatabase(name string) (keys int, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // a file that is too short
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %s: %v", errDamaged, name, r)
		}
	}()
	db, err := bbolt.Open(name, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if errors.Is(err, fs.ErrPermission) {
		return 0, err
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", errDamaged, name, err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			n, err := readBucket(b, bytes.Equal(name, etcdKeys))
			keys += n
			return err
		})
	})
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", errDamaged, name, err)
	}
	return keys, nil
}

// readBucket reads a bucket, in which keys ascend. It counts those of etcd's clients.
func readBucket(b *bbolt.Bucket, ofClients bool) (keys int, err error) {
	var last []byte
	err = b.ForEach(func(k, v []byte) error {
		if last != nil && bytes.Compare(last, k) >= 0 {
			return errors.New("its keys are out of order")
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

// checkLog reads the log of writes, and changes nothing there: etcd itself would repair damage at its
// beginning to a log of nothing. What a killed process has cut short at the end was never acknowledged.
func checkLog(folder string) (err error) {
	written := filepath.Join(folder, "member", "wal")
	if !wal.Exist(written) {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %s: %v", errDamaged, written, r)
		}
	}()
	snapshots, err := wal.ValidSnapshotEntries(zap.NewNop(), written)
	if err == nil && len(snapshots) == 0 {
		err = errors.New("it is cut off at its beginning")
	}
	if err == nil {
		_, err = wal.Verify(zap.NewNop(), written, snapshots[len(snapshots)-1])
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errDamaged, written, err)
	}
	return nil
}
