package suite

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const (
	servingFile = "serving.json"
	pageKeyFile = "page.key"
	databaseDir = "postgres"

	pageKeyBytes = 32
)

// Serving is what a running suite says of itself in its data folder.
type Serving struct {
	// PID is the process.
	PID int `json:"pid"`
	// HTTP is where REST is served.
	HTTP string `json:"http"`
	// GRPC is where the services are served.
	GRPC string `json:"grpc"`
}

// folderLock holds a data folder for one process.
type folderLock struct{ file *os.File }

// lockFolder takes the data folder, or fails where another process serves from it.
func lockFolder(dir string) (*folderLock, error) {
	file, err := os.OpenFile(filepath.Join(dir, servingFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer func() { _ = file.Close() }() // nothing was written
		if serving, readErr := readServing(file); readErr == nil && serving.PID != 0 {
			return nil, fmt.Errorf("process %d serves from %s already, at http://%s; end it, or name another folder with AVAL_DATA_DIR",
				serving.PID, dir, serving.HTTP)
		}
		return nil, fmt.Errorf("another process is starting on %s; end it, or name another folder with AVAL_DATA_DIR", dir)
	}
	return &folderLock{file}, file.Truncate(0)
}

// announce writes where the suite serves.
func (l *folderLock) announce(s Serving) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err = l.file.WriteAt(append(text, '\n'), 0)
	return err
}

// release forgets it and gives the folder free.
func (l *folderLock) release() error { return errors.Join(l.file.Truncate(0), l.file.Close()) }

// ServingOn finds the suite that serves from the data folder now, if one does.
func ServingOn(dir string) (Serving, bool) {
	file, err := os.Open(filepath.Join(dir, servingFile))
	if err != nil {
		return Serving{}, false
	}
	defer func() { _ = file.Close() }() // it was only read
	if syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
		return Serving{}, false // nobody holds it: what it says is left from a process that was killed
	}
	serving, err := readServing(file)
	return serving, err == nil && serving.PID != 0
}

func readServing(file *os.File) (Serving, error) {
	var s Serving
	text, err := io.ReadAll(io.NewSectionReader(file, 0, 4<<10))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(text, &s)
}

// pageKey is the key for page tokens that is kept in the folder, made at first use.
func pageKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, pageKeyFile)
	text, err := os.ReadFile(path)
	if err == nil && len(text) >= pageKeyBytes {
		return text, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	key := make([]byte, pageKeyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	text = []byte(hex.EncodeToString(key))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	return text, nil
}
