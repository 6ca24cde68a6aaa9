package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"

	"sigs.k8s.io/yaml"
)

// virtualKinds are the kinds of KubeVirt, which makes its definitions when it runs.
var virtualKinds = []struct {
	group, kind, singular, plural, scope string
	short, versions                      []string // versions with the one that is stored first
}{
	{"kubevirt.io", "VirtualMachine", "virtualmachine", "virtualmachines", "Namespaced",
		[]string{"vm", "vms"}, []string{"v1", "v1alpha3"}},
	{"kubevirt.io", "VirtualMachineInstance", "virtualmachineinstance", "virtualmachineinstances", "Namespaced",
		[]string{"vmi", "vmis"}, []string{"v1", "v1alpha3"}},
	{"kubevirt.io", "VirtualMachineInstancePreset", "virtualmachineinstancepreset", "virtualmachineinstancepresets",
		"Namespaced", []string{"vmipreset", "vmipresets"}, []string{"v1", "v1alpha3"}},
	{"kubevirt.io", "VirtualMachineInstanceReplicaSet", "virtualmachineinstancereplicaset",
		"virtualmachineinstancereplicasets", "Namespaced", []string{"vmirs", "vmirss"}, []string{"v1", "v1alpha3"}},
	{"kubevirt.io", "VirtualMachineInstanceMigration", "virtualmachineinstancemigration",
		"virtualmachineinstancemigrations", "Namespaced", []string{"vmim", "vmims"}, []string{"v1", "v1alpha3"}},
	{"kubevirt.io", "KubeVirt", "kubevirt", "kubevirts", "Namespaced",
		[]string{"kv", "kvs"}, []string{"v1", "v1alpha3"}},
	{"pool.kubevirt.io", "VirtualMachinePool", "virtualmachinepool", "virtualmachinepools", "Namespaced",
		[]string{"vmpool", "vmpools"}, []string{"v1alpha1"}},
	{"snapshot.kubevirt.io", "VirtualMachineSnapshot", "virtualmachinesnapshot", "virtualmachinesnapshots",
		"Namespaced", []string{"vmsnapshot", "vmsnapshots"}, []string{"v1beta1", "v1alpha1"}},
	{"snapshot.kubevirt.io", "VirtualMachineRestore", "virtualmachinerestore", "virtualmachinerestores",
		"Namespaced", []string{"vmrestore", "vmrestores"}, []string{"v1beta1", "v1alpha1"}},
	{"export.kubevirt.io", "VirtualMachineExport", "virtualmachineexport", "virtualmachineexports", "Namespaced",
		[]string{"vmexport", "vmexports"}, []string{"v1beta1", "v1alpha1"}},
	{"instancetype.kubevirt.io", "VirtualMachineInstancetype", "virtualmachineinstancetype",
		"virtualmachineinstancetypes", "Namespaced",
		[]string{"vminstancetype", "vminstancetypes", "vmf", "vmfs"}, []string{"v1beta1", "v1alpha2", "v1alpha1"}},
	{"instancetype.kubevirt.io", "VirtualMachineClusterInstancetype", "virtualmachineclusterinstancetype",
		"virtualmachineclusterinstancetypes", "Cluster",
		[]string{"vmclusterinstancetype", "vmclusterinstancetypes", "vmcf", "vmcfs"},
		[]string{"v1beta1", "v1alpha2", "v1alpha1"}},
	{"instancetype.kubevirt.io", "VirtualMachinePreference", "virtualmachinepreference",
		"virtualmachinepreferences", "Namespaced",
		[]string{"vmpref", "vmprefs", "vmp", "vmps"}, []string{"v1beta1", "v1alpha2", "v1alpha1"}},
	{"instancetype.kubevirt.io", "VirtualMachineClusterPreference", "virtualmachineclusterpreference",
		"virtualmachineclusterpreferences", "Cluster",
		[]string{"vmcp", "vmcps"}, []string{"v1beta1", "v1alpha2", "v1alpha1"}},
	{"migrations.kubevirt.io", "MigrationPolicy", "migrationpolicy", "migrationpolicies", "Cluster",
		nil, []string{"v1alpha1"}},
	{"clone.kubevirt.io", "VirtualMachineClone", "virtualmachineclone", "virtualmachineclones", "Namespaced",
		[]string{"vmclone", "vmclones"}, []string{"v1alpha1"}},
}

// kubeVirtDefinitions makes the definitions of KubeVirt of the schemas in its Go source.
func kubeVirtDefinitions(dir string, as reading) (all []*definition, err error) {
	schemas, err := stringsOfMap(filepath.Join(dir, filepath.FromSlash(kubeVirtSchemas)), "CRDsValidation")
	if err != nil {
		return nil, err
	}
	for _, k := range virtualKinds {
		var validation map[string]any
		if err := yaml.Unmarshal([]byte(schemas[k.singular]), &validation); err != nil {
			return nil, err
		}
		if validation["openAPIV3Schema"] == nil {
			return nil, fmt.Errorf("no schema of %s", k.kind)
		}
		delete(validation["openAPIV3Schema"].(map[string]any), "nullable") // is not allowed at the top
		var versions []any
		for i, version := range k.versions {
			versions = append(versions, map[string]any{
				"name": version, "served": true, "storage": i == 0, "schema": validation,
			})
		}
		text, err := json.Marshal(map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
			"metadata": map[string]any{"name": k.plural + "." + k.group},
			"spec": map[string]any{
				"group": k.group, "scope": k.scope, "versions": versions,
				"names": map[string]any{
					"kind": k.kind, "listKind": k.kind + "List", "singular": k.singular, "plural": k.plural,
					"shortNames": k.short,
				},
			},
		})
		if err != nil {
			return nil, err
		}
		d, err := parse(string(text), as)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// stringsOfMap returns the elements of a map of strings that a Go file declares.
func stringsOfMap(file, name string) (elements map[string]string, err error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return nil, err
	}
	elements = map[string]string{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != name {
			return true
		}
		literal, _ := spec.Values[0].(*ast.CompositeLit)
		for _, e := range literal.Elts {
			pair, _ := e.(*ast.KeyValueExpr)
			key, _ := pair.Key.(*ast.BasicLit)
			value, _ := pair.Value.(*ast.BasicLit)
			k, errKey := strconv.Unquote(key.Value)
			v, errValue := strconv.Unquote(value.Value)
			err = errors.Join(err, errKey, errValue)
			elements[k] = v
		}
		return false
	})
	return elements, err
}
