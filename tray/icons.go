//go:build !darwin || cgo

package tray

// iconFile is a look's picture in the format that the system takes.
func iconFile(look look) []byte {
	data, err := iconFiles.ReadFile("icons/" + string(look) + iconSuffix)
	if err != nil {
		panic(err) // the looks and the embedded files are a fixed set
	}
	return data
}
