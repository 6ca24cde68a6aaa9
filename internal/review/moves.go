package review

// findMoves finds objects that one environment does not apply any more and exactly one other begins to apply.
func findMoves(all []*matched) map[*matched][]Consequence {
	type end struct {
		*matched
		*pair
	}
	gone, come := map[Identity][]end{}, map[Identity][]end{}
	for _, m := range all {
		for _, p := range m.pairs {
			switch p.action {
			case Delete:
				gone[p.old.Identity()] = append(gone[p.old.Identity()], end{m, p})
			case Create:
				come[p.new.Identity()] = append(come[p.new.Identity()], end{m, p})
			}
		}
	}
	moves := map[*matched][]Consequence{}
	for id, to := range come {
		if len(to) != 1 || len(gone[id]) != 1 || to[0].matched == gone[id][0].matched {
			continue
		}
		from, to := gone[id][0], to[0]
		c := about(to.new, "moved", Low, "was applied by %s, which leaves it as it is", from.Name)
		if from.fate.Outcome == Pruned {
			c = about(to.new, "moved", High,
				"was applied by %s, which deletes it (%s): it may be gone before this environment creates it again",
				from.Name, from.fate.Why)
		}
		c.Environments, c.Details = []string{to.Name}, []string{}
		moves[to.matched] = append(moves[to.matched], c)
	}
	return moves
}
