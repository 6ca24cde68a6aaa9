package trial

// Check reports whether the file of a trial can be read.
func Check(path string) error {
	_, err := load(path)
	return err
}
