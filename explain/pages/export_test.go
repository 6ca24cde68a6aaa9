package pages

// WithoutCategory lists the built-in kinds that stand in no part of the left side.
func (s *Site) WithoutCategory() (kinds []string) {
	for _, k := range s.kinds {
		if k.category() == others {
			kinds = append(kinds, k.GVK.String())
		}
	}
	return kinds
}
