// The CRDs of GitRepository and ImageUpdateAutomation as Flux's modules have them. Nothing is built
// in this module.
module oci-source-controller.test/crds

go 1.26.0

require (
	github.com/fluxcd/image-automation-controller v1.2.4
	github.com/fluxcd/source-controller v1.9.4
)
