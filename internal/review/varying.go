package review

import "strings"

// Varying finds the fields in which another rendering of the same source differs from the objects, by object. Objects
// whose names differ are called the same from then on, and the empty field is their name.
func Varying(objects, again []*Object) map[Identity][]string {
	varying := map[Identity][]string{}
	for _, o := range callAlike(objects, again) {
		varying[o.Identity()] = []string{""}
	}
	second, _ := byIdentity(&Side{Objects: again})
	for _, o := range objects {
		id := o.Identity()
		other := second[id]
		if other == nil {
			varying[id] = []string{""}
			continue
		}
		for _, f := range Differences(o.Stored(), other.Stored()) {
			varying[id] = append(varying[id], f.Path)
		}
	}
	return varying
}

// callAlike finds the objects that two renderings give different names, and calls them the same in both.
func callAlike(objects, again []*Object) (renamed []*Object) {
	first, _ := byIdentity(&Side{Objects: objects})
	second, _ := byIdentity(&Side{Objects: again})
	sort := func(list []*Object, in map[Identity]*Object) map[Identity][]*Object {
		alone := map[Identity][]*Object{}
		for _, o := range list {
			if id := o.Identity(); in[id] == nil {
				id.Name = ""
				alone[id] = append(alone[id], o)
			}
		}
		return alone
	}
	ours, theirs := sort(objects, second), sort(again, first)
	for kind, list := range ours {
		if len(list) != len(theirs[kind]) {
			continue
		}
		for i, o := range list { // renderers keep their order
			other := theirs[kind][i]
			if alias := common(o.Name(), other.Name()); alias != "" {
				o.alias, other.alias = alias, alias
				renamed = append(renamed, o)
			}
		}
	}
	return renamed
}

// common returns what two names have in common, up to the last separator, and a * for the rest; empty: nothing.
func common(a, b string) string {
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	cut := strings.LastIndexAny(a[:same], "-.") + 1
	if cut == 0 {
		return ""
	}
	return a[:cut] + "*"
}
