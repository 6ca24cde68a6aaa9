package rules

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/lint"
)

// checkModes reports modes of files that were meant to be octal.
func checkModes(p *lint.Pass) error {
	if p.Pods == nil {
		return nil
	}
	check := func(mode *int32, path string) {
		if mode == nil {
			return
		}
		meant, ok := octalMeant(*mode)
		if !ok {
			return
		}
		text := fmt.Sprintf("%#o", meant)
		if p.Document.IsJSON() {
			text = strconv.Itoa(int(meant))
		}
		p.Report(lint.Finding{
			Path:    path,
			Message: fmt.Sprintf("the mode %d is decimal: it is %#o in octal", *mode, *mode),
			Help:    fmt.Sprintf("write %s for the mode %d", text, *mode),
			Fixes:   []lint.PathFix{{Path: path, NewText: text, Message: fmt.Sprintf("write %s", text)}},
		})
	}
	for i, v := range p.Pods.Spec.Volumes {
		eachMode(&v, fmt.Sprintf("%s.volumes[%d]", p.Pods.SpecPath, i), check)
	}
	return nil
}

// octalMeant returns the mode that is written with the digits of a decimal number, if that is a usual one and the
// number is not.
func octalMeant(mode int32) (int32, bool) {
	meant, err := strconv.ParseInt(strconv.Itoa(int(mode)), 8, 32)
	if err != nil || mode < 0o100 || !usualMode(int32(meant)) || usualMode(mode) {
		return 0, false
	}
	return int32(meant), true
}

// usualMode reports whether a mode gives the owner at least what it gives the group, the group what it gives others,
// nobody the right to write what they cannot read, and two sets of rights at most.
func usualMode(mode int32) bool {
	owner, group, others := mode>>6, mode>>3&7, mode&7
	for _, rights := range []int32{owner, group, others} {
		if rights != 0 && rights < 4 {
			return false
		}
	}
	several := owner != group && group != others && others != 0
	return mode <= 0o777 && owner != 0 && owner&group == group && group&others == others && !several
}

// eachMode calls f for each mode of the files of a volume.
func eachMode(v *corev1.Volume, path string, f func(mode *int32, path string)) {
	items := func(keys []corev1.KeyToPath, path string) {
		for i := range keys {
			f(keys[i].Mode, fmt.Sprintf("%s.items[%d].mode", path, i))
		}
	}
	files := func(downward []corev1.DownwardAPIVolumeFile, path string) {
		for i := range downward {
			f(downward[i].Mode, fmt.Sprintf("%s.items[%d].mode", path, i))
		}
	}
	if s := v.ConfigMap; s != nil {
		f(s.DefaultMode, path+".configMap.defaultMode")
		items(s.Items, path+".configMap")
	}
	if s := v.Secret; s != nil {
		f(s.DefaultMode, path+".secret.defaultMode")
		items(s.Items, path+".secret")
	}
	if s := v.DownwardAPI; s != nil {
		f(s.DefaultMode, path+".downwardAPI.defaultMode")
		files(s.Items, path+".downwardAPI")
	}
	if v.Projected == nil {
		return
	}
	f(v.Projected.DefaultMode, path+".projected.defaultMode")
	for i, source := range v.Projected.Sources {
		at := fmt.Sprintf("%s.projected.sources[%d]", path, i)
		if s := source.ConfigMap; s != nil {
			items(s.Items, at+".configMap")
		}
		if s := source.Secret; s != nil {
			items(s.Items, at+".secret")
		}
		if s := source.DownwardAPI; s != nil {
			files(s.Items, at+".downwardAPI")
		}
	}
}
