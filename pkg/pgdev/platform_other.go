//go:build !linux

package pgdev

import "syscall"

func memoryDir() string { return "" }

func pdeathsig(*syscall.SysProcAttr) {}
