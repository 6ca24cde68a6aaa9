package cluster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"reflect"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	protobufserializer "k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

// An API server in memory and its clients share a process. What it answers, and what its watches tell, is made
// for one client alone: it is handed over as it is, in a media type of our own, instead of being written in
// protobuf and read again. What clients send is still written: it may be sent again, and requests are put in order by it.

// handoverType is the media type of a ticket for an object.
const handoverType = "application/vnd.seatrial.object"

// handover writes tickets for objects, and reads them.
type handover struct {
	runtime.Serializer // for statuses, which clients do not always read, and for what others have written
}

// cloakroom is where objects wait for who brings their tickets.
type cloakroom struct {
	mu      sync.Mutex
	waiting map[uint64]runtime.Object
	last    uint64
}

// handed are the objects of all servers in memory.
var handed = &cloakroom{waiting: map[uint64]runtime.Object{}}

// ticket is what a ticket begins with; its number follows.
var ticket = []byte("seatrial")

const ticketNumber = 8 // bytes

func (handover) Identifier() runtime.Identifier { return "seatrial-handover" }

func (h handover) Encode(obj runtime.Object, w io.Writer) error {
	if _, ok := obj.(*metav1.Status); ok {
		return h.Serializer.Encode(obj, w)
	}
	_, err := w.Write(binary.BigEndian.AppendUint64(bytes.Clone(ticket), handed.take(obj)))
	return err
}

// take takes an object, and gives the number of its ticket.
func (c *cloakroom) take(obj runtime.Object) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	c.waiting[c.last] = obj
	return c.last
}

var errNoObject = errors.New("the object of a ticket was handed over already")

func (h handover) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	number, ok := bytes.CutPrefix(data, ticket)
	if !ok || len(number) != ticketNumber {
		return h.Serializer.Decode(data, defaults, into)
	}
	obj := handed.give(binary.BigEndian.Uint64(number))
	if obj == nil {
		return nil, nil, errNoObject
	}
	kind := obj.GetObjectKind().GroupVersionKind()
	if into == nil || reflect.TypeOf(into) != reflect.TypeOf(obj) {
		return obj, &kind, nil
	}
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(obj).Elem())
	return into, &kind, nil
}

// give gives the object of a ticket to the first who brings it.
func (c *cloakroom) give(number uint64) runtime.Object {
	c.mu.Lock()
	defer c.mu.Unlock()
	obj := c.waiting[number]
	delete(c.waiting, number)
	return obj
}

// handing makes a factory of codecs that knows tickets too.
func handing(s *runtime.Scheme) serializer.CodecFactory {
	return serializer.NewCodecFactory(s, serializer.WithSerializer(func(creater runtime.ObjectCreater, typer runtime.ObjectTyper) runtime.SerializerInfo {
		tickets := handover{protobufserializer.NewSerializer(creater, typer)}
		return runtime.SerializerInfo{
			MediaType: handoverType, MediaTypeType: "application", MediaTypeSubType: "vnd.seatrial.object",
			Serializer: tickets, StrictSerializer: tickets,
			StreamSerializer: &runtime.StreamSerializerInfo{Serializer: protobufserializer.NewRawSerializer(creater, typer), Framer: protobufserializer.LengthDelimitedFramer},
		}
	}))
}

// handingCodecs are those of the built-in kinds.
var handingCodecs = sync.OnceValue(func() serializer.CodecFactory { return handing(legacyscheme.Scheme) })

// Clients get their codecs from here, and have to understand tickets.
func init() { scheme.Codecs = handing(scheme.Scheme) }

// withoutTickets changes a request to which the answer may not be read by anybody.
func withoutTickets(req *http.Request) {
	if req.Method == http.MethodDelete && req.Header.Get("Accept") == acceptHanded {
		req.Header.Set("Accept", acceptWritten)
	}
}
