#include "models/kernels/linear.h"

#include "models/kernels/autograd.h"
#include "models/kernels/product.h"
#include "models/kernels/rows.h"

namespace graft {
namespace {

at::Tensor Forward(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  at::Tensor y = MatrixProduct(x, weight.t());  // [R, M]
  if (bias.defined()) y.add_(bias);
  return y;
}

struct LinearFunction : torch::autograd::Function<LinearFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias) {
    context->save_for_backward({x, weight});
    context->saved_data["bias"] = bias.has_value();
    return Forward(x, weight, bias.value_or(at::Tensor()));
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];  // [R, K], [M, K]
    const at::Tensor dy = Upstream(gradients);           // [R, M]
    at::Tensor dx, dweight, dbias;
    if (context->needs_input_grad(0)) dx = MatrixProduct(dy, weight);
    if (context->needs_input_grad(1)) dweight = MatrixProduct(dy.t(), x);
    // An absent bias has no edge in the graph, hence no number to ask for.
    const bool has_bias = context->saved_data["bias"].toBool();
    if (has_bias && context->needs_input_grad(2)) dbias = SumRows(dy, dy.size(0));
    return {dx, dweight, dbias};
  }
};

}  // namespace

at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  CheckFloats(x, 2, "Linear");
  CheckFloats(weight, 2, "Linear's weight");
  TORCH_CHECK(x.size(1) == weight.size(1), "Linear: x of width ", x.size(1), ", weight of ",
              weight.size(1));
  if (RecordsGradient(x, weight, bias)) {
    return LinearFunction::apply(x.contiguous(), weight, IfDefined(bias));
  }
  return Forward(x.contiguous(), weight, bias);
}

}  // namespace graft
