//go:build jsontestsuite

package bridge

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

// suite is the folder test_parsing of github.com/nst/JSONTestSuite, whose files
// say in their names what a parser must take (y), refuse (n), or may do (i). It is
// not kept here; what it asks is asked by the texts of json_test.go too.
var suite = flag.String("jsontestsuite", "", "folder of JSONTestSuite's parsing tests")

// stricter are the files of the suite that are JSON by its grammar and no message
// of ours: a name stands there twice.
var stricter = map[string]bool{"y_object_duplicated_key.json": true, "y_object_duplicated_key_and_value.json": true}

func TestJSONTestSuite(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(*suite, "*.json"))
	if err != nil || len(files) < 300 {
		t.Fatalf("%d files in -jsontestsuite %q, %v", len(files), *suite, err)
	}
	app := serve(t, nil).app(t, allowedOrigin, "")
	count := map[byte]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		count[name[0]]++
		switch {
		case name[0] == 'n' || stricter[name]:
			app.mustRefuse(name, string(text))
		case name[0] == 'y':
			app.mustTake(name, string(text))
		default:
			app.offer(string(text))
		}
	}
	app.call("vault.status", object{}, nil)
	t.Logf("taken %d, refused %d, either %d", count['y'], count['n'], count['i'])
}
