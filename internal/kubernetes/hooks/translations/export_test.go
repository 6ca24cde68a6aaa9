package translations

// Skipped returns how often translations were asked for.
func Skipped() int { return skipped }
