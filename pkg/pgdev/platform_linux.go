package pgdev

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// isPostgres says whether a process exists and is a PostgreSQL server.
func isPostgres(pid int) bool {
	name, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	return err == nil && strings.HasPrefix(string(name), "postgres")
}

// memoryDir is the memory file system if it is large enough for a test cluster.
func memoryDir() string {
	const dir, least = "/dev/shm", 2 << 30
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil || st.Bavail*uint64(st.Bsize) < least { //nolint:gosec // a block size is positive
		return ""
	}
	return dir
}

// pdeathsig has the kernel ask the server for a fast shutdown when we die.
func pdeathsig(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGINT }
