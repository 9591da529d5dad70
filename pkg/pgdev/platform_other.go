//go:build !linux

package pgdev

import (
	"errors"
	"syscall"
)

// isPostgres says whether a process exists; which program it runs is not known here.
func isPostgres(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

func memoryDir() string { return "" }

func pdeathsig(*syscall.SysProcAttr) {}
