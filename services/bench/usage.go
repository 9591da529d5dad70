package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// usage is what processes have used so far: processor time, and, of a Go process, allocations.
type usage struct {
	Go, Postgres time.Duration
	Mallocs      uint64
}

func (u usage) since(v usage) usage {
	return usage{Go: u.Go - v.Go, Postgres: u.Postgres - v.Postgres, Mallocs: u.Mallocs - v.Mallocs}
}

func (u usage) plus(v usage) usage {
	return usage{Go: u.Go + v.Go, Postgres: u.Postgres + v.Postgres, Mallocs: u.Mallocs + v.Mallocs}
}

// used reads what the gate and the server behind a postmaster have used. What a backend used that has ended since is not in it.
func (g *gateProcess) used(postmaster int) (usage, error) {
	var u usage
	if _, err := fmt.Fprintln(g.stdin, "usage"); err != nil {
		return u, err
	}
	line, err := g.out.ReadBytes('\n')
	if err != nil {
		return u, err
	}
	if err := json.Unmarshal(line, &u.Mallocs); err != nil {
		return u, err
	}
	if u.Go, _, err = processorTime(g.cmd.Process.Pid); err != nil {
		return u, err
	}
	u.Postgres, err = postgresTime(postmaster)
	return u, err
}

// postgresTime is what the server behind a postmaster has used.
func postgresTime(postmaster int) (used time.Duration, err error) {
	stats, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, dir := range stats {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if t, parent, err := processorTime(pid); err == nil && (parent == postmaster || pid == postmaster) {
			used += t
		}
	}
	return used, nil
}

// processorTime reads what a process has used, in user and system mode, and who started it (proc(5), fields 4, 14 and 15).
func processorTime(pid int) (used time.Duration, parent int, err error) {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux architecture
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, 0, err
	}
	_, rest, ok := bytes.Cut(text, []byte(") ")) // the name before may hold anything
	fields := bytes.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0, 0, fmt.Errorf("process %d: cannot read %q", pid, text)
	}
	var n [3]int64
	for i, f := range []int{1, 11, 12} {
		if n[i], err = strconv.ParseInt(string(fields[f]), 10, 64); err != nil {
			return 0, 0, err
		}
	}
	return time.Duration(n[1]+n[2]) * tick, int(n[0]), nil
}

// answerUsage writes how many allocations this process has made, for every line that it is asked on.
func answerUsage(in *bufio.Scanner, out *json.Encoder) {
	for in.Scan() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if out.Encode(m.Mallocs) != nil {
			return
		}
	}
}
