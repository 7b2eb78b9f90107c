// flux, the command line of Flux's users, and the CRDs of image-reflector-controller. Nothing is
// built in this module: see `build`.
module oci-source-controller.test/flux

go 1.26.0

require (
	github.com/fluxcd/flux2/v2 v2.9.4
	github.com/fluxcd/image-reflector-controller v1.2.4
)
