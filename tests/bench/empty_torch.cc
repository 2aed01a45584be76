// What a process that is linked to libtorch_cpu costs before it does anything: the yardstick of
// cold_start.py. One small tensor keeps the library needed.
#include <ATen/ops/zeros.h>

int main() { return at::zeros({1}).numel() == 1 ? 0 : 1; }
