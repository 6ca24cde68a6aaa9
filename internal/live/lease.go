package live

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// claim excludes other clusters from the keys of this one in an external etcd. It depends on a lease that is renewed,
// and so ends with its process, however that ends.
type claim struct {
	etcd    ExternalEtcd
	client  *clientv3.Client
	holder  holder
	session *concurrency.Session
	stop    context.CancelFunc
	kept    sync.WaitGroup
}

// holder is the stored holder of a claim.
type holder struct {
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
	Cluster string    `json:"cluster"` // fingerprint of its certificate authority: whose folder it is
}

const (
	// claimSeconds is how long a claim outlives its process.
	claimSeconds = 10
	// claimLook is the time between two looks whether another's claim is renewed, which it is
	// three times in its life, or between two tries to renew a claim that was lost.
	claimLook = 200 * time.Millisecond
	// releasePatience is how long etcd may take to forget a claim.
	releasePatience = 2 * time.Second
)

// claimedError reports that another cluster uses the keys.
type claimedError struct {
	etcd ExternalEtcd
	by   holder
}

func (e *claimedError) Error() string {
	return fmt.Sprintf("the prefix %s of etcd at %s is in use by another seatrial: process %d on host %s, since %s; `seatrial down` ends it there, --etcd-prefix names another prefix",
		e.etcd.Prefix, e.etcd.addresses(), e.by.PID, e.by.Host, e.by.Since.Format(time.RFC3339))
}

// claim acquires the lease on the etcd prefix for the cluster identified by its certificate authority, until close.
// Until then lost is called if another cluster has acquired it; it must not return.
func (e ExternalEtcd) claim(ctx context.Context, authority string, lost func(error)) (*claim, error) {
	certificate, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	client, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(certificate)
	c := &claim{
		etcd: e, client: client,
		holder: holder{Host: host, PID: os.Getpid(), Since: time.Now().UTC(), Cluster: hex.EncodeToString(sum[:])},
	}
	if err := c.take(ctx); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	var running context.Context
	running, c.stop = context.WithCancel(context.Background())
	c.kept.Go(func() { c.keep(running, lost) })
	return c, nil
}

// key is where the claim is stored: beside the keys of the API server, which begin otherwise.
func (c *claim) key() string { return path.Join("/", c.etcd.Prefix, "seatrial", "holder") }

// take acquires the claim, in place of an earlier one of the same folder, whose process has ended: this process holds
// the lock of the folder.
func (c *claim) take(ctx context.Context) error {
	lease, err := c.client.Grant(ctx, claimSeconds)
	if err != nil {
		return c.failed(err)
	}
	value, err := json.Marshal(c.holder)
	if err != nil {
		return err
	}
	put := clientv3.OpPut(c.key(), string(value), clientv3.WithLease(lease.ID))
	for seen := int64(0); ; { // the revision of the claim to be replaced; 0: there is none
		unchanged := clientv3.Compare(clientv3.ModRevision(c.key()), "=", seen)
		answer, err := c.client.Txn(ctx).If(unchanged).Then(put).Else(clientv3.OpGet(c.key())).Commit()
		if err != nil {
			return c.failed(err)
		}
		if answer.Succeeded {
			c.session, err = concurrency.NewSession(c.client, concurrency.WithLease(lease.ID))
			return err
		}
		if seen, err = c.replaceable(ctx, answer.Responses[0].GetResponseRange().GetKvs()); err != nil {
			c.forget(lease.ID)
			return err
		}
	}
}

// replaceable returns the revision of the existing claim if it may be replaced. The claim of another cluster may not;
// it waits until that is not renewed any more.
func (c *claim) replaceable(ctx context.Context, there []*mvccpb.KeyValue) (revision int64, err error) {
	if len(there) == 0 {
		return 0, nil // it has just ended
	}
	var by holder
	if err := json.Unmarshal(there[0].Value, &by); err != nil {
		return 0, fmt.Errorf(
			"the key %s of etcd is not of seatrial: %w; delete it, or name another prefix with --etcd-prefix", c.key(),
			err,
		)
	}
	if by.Cluster == c.holder.Cluster {
		return there[0].ModRevision, nil
	}
	renewed, err := c.renewed(ctx, clientv3.LeaseID(there[0].Lease))
	if err != nil {
		return 0, c.failed(err)
	}
	if renewed {
		return 0, &claimedError{c.etcd, by}
	}
	return 0, nil
}

// renewed waits until a lease is renewed, or ends.
func (c *claim) renewed(ctx context.Context, lease clientv3.LeaseID) (bool, error) {
	if lease == clientv3.NoLease {
		return true, nil // it does not end by itself
	}
	for last := int64(math.MaxInt64); ; {
		answer, err := c.client.TimeToLive(ctx, lease)
		if err != nil {
			return false, err
		}
		if answer.TTL < 0 || answer.TTL > last { // seconds; less than none: it has ended
			return answer.TTL > last, nil
		}
		last = answer.TTL
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(claimLook):
		}
	}
}

func (c *claim) failed(err error) error {
	return fmt.Errorf("claiming the prefix %s of etcd at %s: %w", c.etcd.Prefix, c.etcd.addresses(), err)
}

// keep acquires the claim again when its lease has ended: the machine has slept, or etcd was out of reach.
func (c *claim) keep(ctx context.Context, lost func(error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.session.Done():
		}
		trying, cancel := context.WithTimeout(ctx, storePatience)
		err := c.take(trying)
		cancel()
		var others *claimedError
		if errors.As(err, &others) {
			lost(
				fmt.Errorf(
					"this cluster was cut off from its etcd for more than %d s, and has lost its keys: %w",
					claimSeconds, err,
				),
			)
			return
		}
		if err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(claimLook):
			}
		}
	}
}

// close releases the prefix, after its users have ended.
func (c *claim) close() {
	c.stop()
	c.kept.Wait()
	c.forget(c.session.Lease())
	c.session.Orphan()
	_ = c.client.Close() // nothing is in flight
}

// forget ends a lease; if that fails, it ends by itself.
func (c *claim) forget(lease clientv3.LeaseID) {
	ctx, cancel := context.WithTimeout(context.Background(), releasePatience)
	defer cancel()
	_, _ = c.client.Revoke(ctx, lease)
}
