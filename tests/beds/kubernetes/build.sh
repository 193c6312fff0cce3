#!/bin/sh
# Builds a real kube-apiserver and kube-controller-manager into FOLDER from Debian's source package, once: about six minutes
# on two cores, nothing when they are there. Needs root for the packages; ends with 1 where something is not to be had.
#   build.sh FOLDER
set -e
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
into=$(cd "$1" && pwd)
ready() { [ -x "$into/kube-apiserver" ] && [ -x "$into/kube-controller-manager" ]; }

"$here/../debian.sh" etcd-server
ready && exit 0
"$here/../debian.sh" golang-1.19-go golang-github-modern-go-reflect2-dev dpkg-dev xz-utils
exec 9>"$into/.lock"
flock 9
ready && exit 0

work=$into/build
rm -rf "$work"
mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
cd "$work"
# The sources of the very mirrors that this machine's packages come from.
apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' | sort -u >apt/sources.list
sources() {
  apt-get -qq -o "Dir::Etc::sourcelist=$work/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o "Dir::State::lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache" -o APT::Sandbox::User=root "$@"
}
sources update
sources source kubernetes >/dev/null
mkdir -p go/src/k8s.io
mv kubernetes-*/ go/src/k8s.io/kubernetes

export GOPATH="$work/go" GO111MODULE=off CGO_ENABLED=0 GOFLAGS= GOCACHE="$work/cache" PATH="/usr/lib/go-1.19/bin:$PATH"
cd go/src/k8s.io/kubernetes
# The one that comes with the source reads maps as Go did before 1.18, and crashes.
rm -rf vendor/github.com/modern-go/reflect2
cp -r /usr/share/gocode/src/github.com/modern-go/reflect2 vendor/github.com/modern-go/reflect2
# Debian's package leaves the generated description of the API to its build.
go build -o "$work/openapi-gen" k8s.io/kubernetes/vendor/k8s.io/kube-openapi/cmd/openapi-gen
dirs=$(find -L pkg vendor/k8s.io -name '*.go' ! -path '*/code-generator/*' ! -path '*/sample-apiserver/*' ! -path '*/_examples/*' \
  -exec grep -l '^// *+k8s:openapi-gen=' {} + | xargs -n1 dirname | LC_ALL=C sort -u | sed 's|^|k8s.io/kubernetes/|' | paste -sd,)
"$work/openapi-gen" -i "$dirs" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
  -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$work/violations" >"$work/openapi-gen.log" 2>&1
for one in kube-apiserver kube-controller-manager; do
  go build -ldflags '-s -w -X k8s.io/component-base/version.gitVersion=v1.20.2 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=20' \
    -o "$work/$one" "k8s.io/kubernetes/cmd/$one"
done
mv "$work/kube-apiserver" "$work/kube-controller-manager" "$into/"
cd "$into"
rm -rf "$work"
