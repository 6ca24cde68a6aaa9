package registry

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	protobufserializer "k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
)

// RefMediaType is the media type of a reference to an object in this process. Where the writer and the reader
// of an object share a process and the object is made for that reader alone, it is passed by reference
// instead of being serialized and parsed.
const RefMediaType = "application/vnd.seatrial.object"

// refPrefix is the beginning of a reference; the number of the object follows.
var refPrefix = []byte("seatrial")

const refNumberLen = 8 // bytes

var errClaimed = errors.New("the object of this reference was decoded before")

// objectTable holds encoded objects until a decoder claims them by their number.
type objectTable struct {
	last    atomic.Uint64
	objects sync.Map // uint64 to runtime.Object
}

// objects is the table of all codecs.
var objects objectTable

// add adds an object and returns the reference to it.
func (t *objectTable) add(obj runtime.Object) (ref []byte) {
	number := t.last.Add(1)
	t.objects.Store(number, obj)
	return binary.BigEndian.AppendUint64(bytes.Clone(refPrefix), number)
}

// claim removes and returns the object of a reference. It reports whether data is a reference.
func (t *objectTable) claim(data []byte) (obj runtime.Object, isRef bool, err error) {
	number, ok := bytes.CutPrefix(data, refPrefix)
	if !ok || len(number) != refNumberLen {
		return nil, false, nil
	}
	value, ok := t.objects.LoadAndDelete(binary.BigEndian.Uint64(number))
	if !ok {
		return nil, true, errClaimed
	}
	return value.(runtime.Object), true, nil
}

// Unclaimed returns the objects that were encoded and not decoded: a test proves that none stays for ever.
func Unclaimed() (all []runtime.Object) {
	objects.objects.Range(func(_, obj any) bool {
		all = append(all, obj.(runtime.Object))
		return true
	})
	return all
}

// set copies an object into another of its type, and reports whether it is of its type.
func set(into, obj runtime.Object) bool {
	if into == nil || reflect.TypeOf(into) != reflect.TypeOf(obj) {
		return false
	}
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(obj).Elem())
	return true
}

// StorageCodec is a codec for registries whose storage keeps nothing. A registry uses the codec of its storage
// to copy the object of a dry run into the response.
var StorageCodec runtime.Codec = storageCodec{}

type storageCodec struct{}

func (storageCodec) Identifier() runtime.Identifier { return "seatrial-ref-storage" }

func (storageCodec) Encode(obj runtime.Object, w io.Writer) error {
	_, err := w.Write(objects.add(obj))
	return err
}

func (storageCodec) Decode(
	data []byte, _ *schema.GroupVersionKind, into runtime.Object,
) (runtime.Object, *schema.GroupVersionKind, error) {
	obj, isRef, err := objects.claim(data)
	switch {
	case err != nil:
		return nil, nil, err
	case !isRef:
		return nil, nil, errors.New("not a reference to an object")
	case !set(into, obj):
		return nil, nil, fmt.Errorf("cannot decode a %T into a %T", obj, into)
	}
	return into, nil, nil
}

// refSerializer writes references to objects and reads them. Statuses, which clients read several times or
// never, and what others have written, are left to the embedded serializer.
type refSerializer struct{ runtime.Serializer }

func (refSerializer) Identifier() runtime.Identifier { return "seatrial-ref" }

func (s refSerializer) Encode(obj runtime.Object, w io.Writer) error {
	if _, ok := obj.(*metav1.Status); ok {
		return s.Serializer.Encode(obj, w)
	}
	_, err := w.Write(objects.add(obj))
	return err
}

func (s refSerializer) Decode(
	data []byte, defaults *schema.GroupVersionKind, into runtime.Object,
) (runtime.Object, *schema.GroupVersionKind, error) {
	obj, isRef, err := objects.claim(data)
	switch {
	case err != nil:
		return nil, nil, err
	case !isRef:
		return s.Serializer.Decode(data, defaults, into)
	}
	kind := obj.GetObjectKind().GroupVersionKind()
	if set(into, obj) {
		return into, &kind, nil
	}
	return obj, &kind, nil
}

// WithRefCodec returns the codecs of a scheme, with RefMediaType among them.
func WithRefCodec(s *runtime.Scheme) serializer.CodecFactory {
	return serializer.NewCodecFactory(s, serializer.WithSerializer(
		func(creater runtime.ObjectCreater, typer runtime.ObjectTyper) runtime.SerializerInfo {
			refs := refSerializer{protobufserializer.NewSerializer(creater, typer)}
			return runtime.SerializerInfo{
				MediaType:        RefMediaType,
				MediaTypeType:    "application",
				MediaTypeSubType: "vnd.seatrial.object",
				Serializer:       refs,
				StrictSerializer: refs,
				StreamSerializer: &runtime.StreamSerializerInfo{
					Serializer: protobufserializer.NewRawSerializer(creater, typer),
					Framer:     protobufserializer.LengthDelimitedFramer,
				},
			}
		}))
}
