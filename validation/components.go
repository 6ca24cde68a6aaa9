// Components of Kubernetes link packages that do not compile for a browser.

//go:build !js

package validation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/apis/apiserver"
	apiserverinstall "k8s.io/apiserver/pkg/apis/apiserver/install"
	apiservervalidation "k8s.io/apiserver/pkg/apis/apiserver/validation"
	"k8s.io/apiserver/pkg/apis/audit"
	auditinstall "k8s.io/apiserver/pkg/apis/audit/install"
	auditvalidation "k8s.io/apiserver/pkg/apis/audit/validation"
	authenticationcel "k8s.io/apiserver/pkg/authentication/cel"
	authorizationcel "k8s.io/apiserver/pkg/authorization/cel"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm"
	kubeadmv1 "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/v1"
	"k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/v1beta4"
	"k8s.io/kubernetes/pkg/kubeapiserver/authorizer/modes"
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	kubeletv1 "k8s.io/kubernetes/pkg/kubelet/apis/config/v1"
	kubeletv1beta1 "k8s.io/kubernetes/pkg/kubelet/apis/config/v1beta1"
	kubeletvalidation "k8s.io/kubernetes/pkg/kubelet/apis/config/validation"
	proxyconfig "k8s.io/kubernetes/pkg/proxy/apis/config"
	proxyv1alpha1 "k8s.io/kubernetes/pkg/proxy/apis/config/v1alpha1"
	proxyvalidation "k8s.io/kubernetes/pkg/proxy/apis/config/validation"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	schedulerv1 "k8s.io/kubernetes/pkg/scheduler/apis/config/v1"
	schedulervalidation "k8s.io/kubernetes/pkg/scheduler/apis/config/validation"
	podsecurity "k8s.io/pod-security-admission/admission/api"
	podsecurityv1 "k8s.io/pod-security-admission/admission/api/v1"
	podsecurityvalidation "k8s.io/pod-security-admission/admission/api/validation"

	"github.com/seatrial/seatrial/validation/verdict"
)

// Components judges configuration files of Kubernetes' own components: of the kubelet, kube-proxy, the scheduler, the
// API server and kubeadm. They have the form of an object, and no API server takes them. What a component reads is
// decoded strictly, as the components do, with its defaults, and validated by its own code. Components has the methods
// of a [Validator]; those about definitions and namespaces do nothing.
type Components struct{}

// Known reports whether a component of the linked Kubernetes reads a version of an API.
func (Components) Known(gv schema.GroupVersion) bool {
	s, err := componentScheme()
	return err == nil && gv.Group != "" && s.IsVersionRegistered(gv)
}

// Create returns what the component that reads a document refuses of it.
func (c Components) Create(_ context.Context, gvk schema.GroupVersionKind, doc []byte, _ string) (out verdict.Verdict) {
	defer out.Recover()
	out.ClusterScoped = true
	s, err := componentScheme()
	if err != nil {
		return failed(err)
	}
	if !s.Recognizes(gvk) {
		out.Causes = []verdict.Cause{{ // a definition would not help
			Class: verdict.Invalid, Reason: string(metav1.StatusReasonNotFound), Path: "kind",
			Message: fmt.Sprintf("no component reads kind %q of %q", gvk.Kind, gvk.GroupVersion()),
		}}
		return out
	}
	k := &kind{gvk: gvk, scheme: s, strict: strictJSON(s)}
	obj, decoded := k.decode(doc)
	out.Causes = decoded.found
	if example, err := s.New(gvk); err == nil {
		for i := range out.Causes {
			if c := &out.Causes[i]; c.Class == verdict.UnknownField {
				c.Siblings = fieldsBeside(reflect.TypeOf(example), c.Path)
			}
		}
	}
	if obj == nil {
		return out
	}
	out.Object = obj
	for _, cause := range c.validate(s, obj.DeepCopyObject()) {
		cause.Path = asWritten(doc, cause.Path)
		if !decoded.explains(cause) {
			out.Causes = append(out.Causes, cause)
		}
	}
	sortCauses(out.Causes)
	return out
}

// fieldsBeside returns the names of the fields that a type has beside the last one of a path: users[0].name.
func fieldsBeside(t reflect.Type, path string) []string {
	steps := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' })
	for _, step := range steps[:max(0, len(steps)-1)] {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch t.Kind() {
		case reflect.Struct:
			field, ok := jsonFields(t)[step]
			if !ok {
				return nil
			}
			t = field
		case reflect.Slice, reflect.Map:
			t = t.Elem()
		default:
			return nil
		}
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return slices.Sorted(maps.Keys(jsonFields(t)))
}

// jsonFields returns the fields of a struct by their names in JSON.
func jsonFields(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "" && f.Anonymous && f.Type.Kind() == reflect.Struct:
			maps.Copy(fields, jsonFields(f.Type))
		case name != "" && name != "-":
			fields[name] = f.Type
		}
	}
	return fields
}

// validate returns what the component's own validation finds.
func (c Components) validate(s *runtime.Scheme, obj runtime.Object) (causes []verdict.Cause) {
	gvk, err := versionOf(s, obj)
	if err != nil || gvk.Group == kubeadm.GroupName { // kubeadm looks at the machine first
		return nil
	}
	s.Default(obj)
	internal, err := s.ConvertToVersion(obj, schema.GroupVersion{Group: gvk.Group, Version: runtime.APIVersionInternal})
	if err != nil {
		return failed(err).Causes
	}
	switch o := internal.(type) {
	case *kubeletconfig.KubeletConfiguration:
		o.FailCgroupV1, o.SingleProcessOOMKill = false, nil // they ask which machine this is
		return componentCauses(kubeletvalidation.ValidateKubeletConfiguration(o, utilfeature.DefaultFeatureGate))
	case *proxyconfig.KubeProxyConfiguration:
		return fieldCauses(proxyvalidation.Validate(o))
	case *schedulerconfig.KubeSchedulerConfiguration:
		return componentCauses(schedulervalidation.ValidateKubeSchedulerConfiguration(o))
	case *apiserver.EncryptionConfiguration:
		return fieldCauses(apiservervalidation.ValidateEncryptionConfiguration(o, true))
	case *apiserver.AuthenticationConfiguration:
		compiler := authenticationcel.NewDefaultCompiler()
		return fieldCauses(apiservervalidation.ValidateAuthenticationConfiguration(compiler, o, nil))
	case *apiserver.AuthorizationConfiguration:
		compiler := authorizationcel.NewDefaultCompiler()
		withoutFiles(o)
		known, repeatable := sets.New(modes.AuthorizationModeChoices...), sets.New(modes.ModeWebhook)
		return fieldCauses(apiservervalidation.ValidateAuthorizationConfiguration(compiler, nil, o, known, repeatable))
	case *apiserver.AdmissionConfiguration:
		return c.plugins(o)
	case *audit.Policy:
		return fieldCauses(auditvalidation.ValidatePolicy(o))
	case *podsecurity.PodSecurityConfiguration:
		return fieldCauses(podsecurityvalidation.ValidatePodSecurityConfiguration(o))
	}
	return nil
}

// withoutFiles has webhooks name a file that exists: those of the API server's machine are not here.
func withoutFiles(o *apiserver.AuthorizationConfiguration) {
	for _, a := range o.Authorizers {
		if a.Webhook == nil {
			continue
		}
		if name := a.Webhook.ConnectionInfo.KubeConfigFile; name != nil && filepath.IsAbs(*name) {
			if program, err := os.Executable(); err == nil {
				a.Webhook.ConnectionInfo.KubeConfigFile = &program
			}
		}
	}
}

// asWritten returns a path with the names of fields that the document has, where a validation names those of its own
// type: Mode.ProxyMode is mode.
func asWritten(doc []byte, path string) string {
	var value any
	if path == "" || json.Unmarshal(doc, &value) != nil {
		return path
	}
	var found []string
	for _, step := range strings.Split(path, ".") {
		name, index, _ := strings.Cut(step, "[")
		fields, ok := value.(map[string]any)
		if !ok {
			if name != "" && name[0] >= 'A' && name[0] <= 'Z' {
				continue // a part of the type that no document has
			}
			return path
		}
		for field := range fields {
			if strings.EqualFold(field, name) {
				name = field
			}
		}
		value = fields[name]
		if n, err := strconv.Atoi(strings.TrimSuffix(index, "]")); err == nil {
			list, _ := value.([]any)
			if value = nil; n < len(list) {
				value = list[n]
			}
		}
		found = append(found, name+step[len(name):])
	}
	return strings.Join(found, ".")
}

// plugins judges the configurations of admission plugins that stand in that of the API server.
func (c Components) plugins(o *apiserver.AdmissionConfiguration) (causes []verdict.Cause) {
	for i, p := range o.Plugins {
		var head metav1.TypeMeta
		if p.Configuration == nil || json.Unmarshal(p.Configuration.Raw, &head) != nil ||
			!c.Known(head.GroupVersionKind().GroupVersion()) {
			continue
		}
		at := fmt.Sprintf("plugins[%d].configuration", i)
		for _, cause := range c.Create(context.Background(), head.GroupVersionKind(), p.Configuration.Raw, "").Causes {
			cause.Path = strings.TrimSuffix(at+"."+cause.Path, ".")
			causes = append(causes, cause)
		}
	}
	return causes
}

// componentScheme has the types of all components.
var componentScheme = sync.OnceValues(func() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	apiserverinstall.Install(s)
	auditinstall.Install(s)
	var errs []error
	for _, add := range []func(*runtime.Scheme) error{
		kubeletconfig.AddToScheme, kubeletv1beta1.AddToScheme, kubeletv1.AddToScheme,
		proxyconfig.AddToScheme, proxyv1alpha1.AddToScheme,
		schedulerconfig.AddToScheme, schedulerv1.AddToScheme,
		podsecurity.AddToScheme, podsecurityv1.AddToScheme,
		kubeadm.AddToScheme, v1beta4.AddToScheme, kubeadmv1.AddToScheme,
	} {
		errs = append(errs, add(s))
	}
	return s, errors.Join(errs...)
})

// versionOf returns the group, version and kind of a typed object.
func versionOf(s *runtime.Scheme, obj runtime.Object) (schema.GroupVersionKind, error) {
	kinds, _, err := s.ObjectKinds(obj)
	if err != nil {
		return schema.GroupVersionKind{}, err
	}
	return kinds[0], nil
}

// fieldCauses returns errors of fields as causes. Some validations begin paths with the kind.
func fieldCauses(errs field.ErrorList) (causes []verdict.Cause) {
	for _, e := range errs {
		path := e.Field
		if head, rest, found := strings.Cut(path, "."); found && head != "" && head[0] >= 'A' && head[0] <= 'Z' {
			path = rest
		}
		causes = append(causes, verdict.Cause{
			Class: verdict.Invalid, Reason: string(e.Type), Path: strings.TrimSuffix(path, "<nil>"),
			Message: e.ErrorBody(),
		})
	}
	return causes
}

// optionInMessage finds the field that a message of the kubelet is about.
var optionInMessage = regexp.MustCompile(`^invalid configuration: (?:option )?([a-z][A-Za-z]+)\b`)

// componentCauses returns the errors of a validation that joins them as causes.
func componentCauses(err error) (causes []verdict.Cause) {
	if err == nil {
		return nil
	}
	all := []error{err}
	if joined, ok := err.(utilerrors.Aggregate); ok {
		all = utilerrors.Flatten(joined).Errors()
	}
	for _, e := range all {
		var of *field.Error
		if errors.As(e, &of) {
			causes = append(causes, fieldCauses(field.ErrorList{of})...)
			continue
		}
		c := verdict.Cause{Class: verdict.Invalid, Reason: string(field.ErrorTypeInvalid), Message: e.Error()}
		if m := optionInMessage.FindStringSubmatch(c.Message); m != nil {
			c.Path, c.Message = m[1], strings.TrimPrefix(c.Message, "invalid configuration: ")
		}
		causes = append(causes, c)
	}
	return causes
}

// Update judges nothing: components are restarted with their configuration.
func (Components) Update(
	context.Context, schema.GroupVersionKind, []byte, []byte, string,
) (answer verdict.Verdict, judged bool) {
	return verdict.Verdict{}, false
}

// AddCRD does nothing.
func (Components) AddCRD(context.Context, []byte) verdict.Verdict { return verdict.Verdict{} }

// AddCRDLater does nothing: there are no custom kinds.
func (Components) AddCRDLater([]verdict.Kind, []byte, func(context.Context) bool) {}

// Custom returns no kinds.
func (Components) Custom() []verdict.Kind { return nil }

// AddNamespace does nothing.
func (Components) AddNamespace(string, map[string]string) {}

// UseCatalogue does nothing.
func (Components) UseCatalogue(func(group, kind string) bool) {}

// Meant returns nothing: the kinds of components are all known.
func (Components) Meant(string, string) (group, kind string) { return "", "" }
