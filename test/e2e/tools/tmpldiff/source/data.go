// Package source has the type of the data with the name that errors of templates tell.
package source

import (
	"tmpldiff/types"
	"tmpldiff/update"
)

type TemplateData struct {
	AutomationObject types.NamespacedName
	Changed          update.Result
	Values           map[string]string
}
