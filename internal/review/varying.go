package review

// Varying returns the fields in which two renderings of one source differ, by object. The empty field is the name: the
// other rendering does not have the object.
func Varying(a, b []*Object) map[Identity][]string {
	first, _ := byIdentity(&Side{Objects: a})
	second, _ := byIdentity(&Side{Objects: b})
	varying := map[Identity][]string{}
	for id, o := range first {
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
