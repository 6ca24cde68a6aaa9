package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seatrial/seatrial/internal/cluster/access"
	"github.com/seatrial/seatrial/internal/sanitize"
	"github.com/seatrial/seatrial/schema"
)

func newRBACCommand(s Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rbac",
		Short: "Answer who may do what by the roles and bindings of a set",
		Long: `Answer who may do what by the roles and bindings of a set, with the API server's own authorizer. The roles that
every cluster has count as well: view, edit, admin, cluster-admin and those of system:.`,
		Example: `  seatrial rbac who-can get secrets manifests/
  seatrial rbac what-can ServiceAccount/shop/robot manifests/`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newWhoCanCommand(s), newWhatCanCommand(s))
	return cmd
}

func newWhoCanCommand(s Streams) *cobra.Command {
	var r access.Request
	cmd := &cobra.Command{
		Use:   "who-can VERB RESOURCE [PATH]...",
		Short: "List the subjects that may do something",
		Long: `List the subjects of the set's bindings that may do something, with the binding and the role that grant it.

RESOURCE is a resource as kubectl takes it, with a subresource behind a slash, or a path of the API server: secrets,
deploy, pods/exec, /metrics. What lives in no namespace, such as nodes, is granted by ClusterRoleBindings alone. Grants
of objects by name are listed with --name. Without PATH the current folder is read; charts and kustomizations in folders
are rendered.`,
		Example: `  seatrial rbac who-can get secrets manifests/
  seatrial rbac who-can create pods/exec --namespace shop manifests/`,
		Args: leastArgs(2, "VERB and RESOURCE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Verb = args[0]
			if err := resolveResource(&r, args[1]); err != nil {
				return err
			}
			p, err := readPolicy(s, args[2:])
			if err != nil {
				return err
			}
			return writeGrants(cmd.Context(), s.Out, p, r)
		},
	}
	cmd.Flags().StringVarP(
		&r.Namespace, "namespace", "n", "", "namespace to ask for (default: every one, and all at once)",
	)
	cmd.Flags().StringVar(&r.Name, "name", "", "name of the object to ask for")
	return cmd
}

func newWhatCanCommand(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "what-can SUBJECT [PATH]...",
		Short: "List what a subject may do",
		Long: `List what a subject may do by the roles and bindings of the set, everywhere and in each namespace.

SUBJECT is ServiceAccount/NAMESPACE/NAME, Group/NAME or User/NAME. What it may do as a member of groups counts as far as
the groups are known: system:authenticated, and those of ServiceAccounts.`,
		Example: `  seatrial rbac what-can ServiceAccount/shop/robot manifests/
  seatrial rbac what-can Group/ops manifests/`,
		Args: leastArgs(1, "SUBJECT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			subject, err := access.ParseSubject(args[0])
			if err != nil {
				return usageError("%v", err)
			}
			p, err := readPolicy(s, args[1:])
			if err != nil {
				return err
			}
			return writeRights(s.Out, p.WhatCan(cmd.Context(), subject))
		},
	}
}

// resolveResource reads a resource and its subresource. What Kubernetes does not have is taken as it is written:
// resource.group.
func resolveResource(r *access.Request, text string) error {
	if strings.HasPrefix(text, "/") {
		r.Path = text
		return nil
	}
	name, sub, _ := strings.Cut(text, "/")
	r.Subresource = sub
	store, err := schema.Open(schema.Latest)
	if err != nil {
		return err
	}
	kinds, err := store.Find(name)
	if err == nil {
		r.Group, r.Resource = kinds[0].Group, kinds[0].Resource
		r.ClusterScoped = schema.ClusterScoped(r.Group, r.Resource)
		return nil
	}
	resource, group, found := strings.Cut(name, ".")
	if !found {
		return usageError("%v", err)
	}
	r.Resource, r.Group = resource, group
	return nil
}

// readPolicy reads the roles and bindings of paths.
func readPolicy(s Streams, paths []string) (*access.Policy, error) {
	manifests, err := readSet(s, paths)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, m := range manifests {
		for _, d := range m.Documents {
			objects = append(objects, &unstructured.Unstructured{Object: d.Value()})
		}
	}
	p, err := access.New(objects)
	if err != nil {
		return nil, &exitError{exitFailed, err}
	}
	return p, nil
}

func writeGrants(ctx context.Context, out io.Writer, p *access.Policy, r access.Request) error {
	grants := p.WhoCan(ctx, r)
	if len(grants) == 0 {
		_, err := fmt.Fprintln(out, "no subject of the bindings may")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "SUBJECT\tNAMESPACE\tBINDING\tROLE")
	for _, g := range grants {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", sanitize.Line(access.SubjectName(g.Subject)), cmp.Or(g.Namespace, "*"),
			sanitize.Line(g.Binding), sanitize.Line(g.Role))
	}
	return w.Flush()
}

func writeRights(out io.Writer, rights []access.Right) error {
	if len(rights) == 0 {
		_, err := fmt.Fprintln(out, "no binding grants it anything")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "NAMESPACE\tVERBS\tRESOURCES\tNAMES\tBINDING\tROLE")
	for _, r := range rights {
		resources := r.NonResourceURLs
		for _, group := range r.APIGroups {
			for _, resource := range r.Resources {
				if group != "" {
					resource += "." + group
				}
				resources = append(resources, resource)
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", cmp.Or(r.Namespace, "*"), sanitize.Line(strings.Join(r.Verbs, ",")),
			sanitize.Line(strings.Join(resources, ",")), sanitize.Line(cmp.Or(strings.Join(r.ResourceNames, ","), "*")),
			sanitize.Line(r.Binding), sanitize.Line(r.Role))
	}
	return w.Flush()
}
