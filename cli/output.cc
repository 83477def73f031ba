#include "cli/output.h"

#include "cli/text.h"

namespace vbs::cli {

void Output::print(const std::string& text) {
  out_ << text;
}

void Output::print_line(const std::string& text) {
  out_ << escape_for_terminal(text) << '\n';
}

void Output::json(const json::Value& value) {
  out_ << escape_json_for_terminal(json::to_text(value)) << '\n';
}

void Output::remark(const std::string& line) {
  err_ << line << '\n';
}

void Output::error(const Error& error) {
  remark("vbs: " + escape_for_terminal(error.message));
  if (!error.field.empty()) remark("  field: " + escape_for_terminal(error.field));
  if (!error.node.empty()) remark("  node: " + escape_for_terminal(error.node));
  if (!error.operation.empty()) {
    const std::string operation = escape_for_terminal(error.operation);
    remark("  operation: " + operation + " (see: vbs describe-operation " + operation + ")");
  }
}

bool Output::flush() {
  out_.flush();
  err_.flush();
  return out_.good();
}

}  // namespace vbs::cli
