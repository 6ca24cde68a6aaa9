// Package rules is the advice of a good reviewer: best practice, and objects that do not fit together.
//
// [All] is the table. Each rule is a documented value; rules of one kind share a file.
package rules

import (
	"cmp"
	"slices"

	"github.com/seatrial/seatrial/lint"
)

// All lists the rules by name.
func All() []*lint.Rule {
	all := slices.Concat(
		referenceRules,
		mixedRules,
		accountRules,
		imageRules,
		resourceRules,
		probeRules,
		securityRules,
		podSecurityRules,
		secretRules,
		rbacRules,
		rbacMatchRules,
		rbacGrantRules,
		rbacWriteRules,
		rbacBoundRules,
		hardeningRules,
		teamRules,
		failureRules,
		networkRules,
		networkFlowRules,
		monitorRules,
		grantRules,
		availabilityRules,
		configRules,
		targetRules,
	)
	slices.SortFunc(all, func(a, b *lint.Rule) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
