#!/bin/sh
# Install the book's PyTorch for one Python: sh binder/install-torch.sh .venv/bin/python
#
# PyTorch's CPU wheels lie on PyTorch's own index: `torch==2.13.0` then means 2.13.0+cpu, which sorts
# above the plain 2.13.0 of the ordinary index (on Linux gigabytes of CUDA). Where that host does not
# answer, pip passes over it after one short try and takes the plain version.
set -eu
python=${1:-python}
torch=torch==2.13.0
cpu_index=https://download.pytorch.org/whl/cpu

install() {
  "$python" -m pip install --quiet --disable-pip-version-check "$@" "$torch"
}

if [ "$(uname -s)" = Linux ]; then
  install --retries 0 --timeout 15 --extra-index-url "$cpu_index" || install
  "$python" -m pip freeze | grep -q '^torch==.*+cpu' ||
    echo "The index with PyTorch's CPU builds did not answer: this is the ordinary, larger build."
else
  install
fi
