package hooks

// Deferred returns how many registrations are deferred.
func Deferred() int { return len(deferred.waiting) }
