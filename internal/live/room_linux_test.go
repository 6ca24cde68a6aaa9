package live

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/seatrial/seatrial/internal/disk"
)

func TestCheckRoomNamesAFullDisk(t *testing.T) {
	small, resize := disk.Small(t, "512k")
	err := Folder(small).CheckRoom()
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "make room on the disk") {
		t.Errorf("got %v", err)
	}
	resize("4m")
	if err := Folder(small).CheckRoom(); err != nil {
		t.Errorf("with room: %v", err)
	}
}
