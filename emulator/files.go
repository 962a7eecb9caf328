package emulator

import (
	"fmt"
	"os"
	"strings"

	"github.com/fakecortex/fakecortex/emulator/api"
	"github.com/fakecortex/fakecortex/emulator/export"
)

// FileOptions say where records are kept and where exports may go.
type FileOptions struct {
	// RecordDir is the folder of the temporary files of long records; empty is
	// the system's. They go when their record is deleted, and at Close.
	RecordDir string
	// ExportRoot is the folder that no export leaves, whatever the client asks
	// for; empty takes the client's folders as they are.
	ExportRoot string
	// ExportMap turns folders of the client into folders below ExportRoot. Each
	// entry is FROM=TO; FROM * is any folder, TO is relative to ExportRoot.
	ExportMap []string
	// StateDir keeps records, subjects and profiles over a restart; empty keeps
	// nothing. It is made when it is missing. A damaged state is an error of
	// Start, and stays as it is. So is one that another emulator has open.
	StateDir string

	keeper *api.Keeper
}

// Check returns what is wrong with the options.
func (o FileOptions) Check() error {
	for name, dir := range map[string]string{"record dir": o.RecordDir, "export root": o.ExportRoot} {
		if dir == "" {
			continue
		}
		if info, err := os.Stat(dir); err != nil {
			return fmt.Errorf("%s: %w; make the folder, or give another", name, err)
		} else if !info.IsDir() {
			return fmt.Errorf("%s %q: want a folder", name, dir)
		}
	}
	_, err := o.folders()
	return err
}

func (o FileOptions) folders() (export.Folders, error) {
	out := export.Folders{Root: o.ExportRoot}
	for _, entry := range o.ExportMap {
		// The last = divides: a folder of the client may have one in its name.
		i := strings.LastIndexByte(entry, '=')
		if i <= 0 {
			return out, fmt.Errorf(`export map %q: want FROM=TO, such as C:\data=data`, entry)
		}
		out.Map = append(out.Map, export.FolderMap{From: entry[:i], To: entry[i+1:]})
	}
	if out.Root == "" && len(out.Map) > 0 {
		return out, fmt.Errorf("export map %q: needs an export root", o.ExportMap[0])
	}
	return out, nil
}

// open opens the state folder.
func (o *FileOptions) open() (err error) {
	if o.StateDir != "" {
		o.keeper, err = api.OpenKeeper(o.StateDir)
	}
	return err
}

// close lets others open the state folder.
func (o *FileOptions) close() error {
	if o.keeper == nil {
		return nil
	}
	return o.keeper.Close()
}

// apply puts the options into a world; what is not given stays.
func (o FileOptions) apply(world *api.World) error {
	if err := o.Check(); err != nil {
		return err
	}
	if o.keeper != nil {
		world.Keeper = o.keeper
	}
	if o.RecordDir != "" {
		world.RecordStorage.Dir = o.RecordDir
	}
	if o.ExportRoot != "" {
		var err error
		world.ExportFolders, err = o.folders()
		return err
	}
	return nil
}
