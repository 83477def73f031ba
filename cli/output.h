#pragma once

#include <ostream>
#include <string>

#include "cli/settings.h"
#include "common/json.h"

namespace vbs::cli {

/// Where results (standard output) and remarks (standard error) go. `print` and `remark` expect
/// text that is escaped already; the others escape.
class Output {
 public:
  Output(std::ostream& out, std::ostream& err, OutputFormat format, bool quiet)
      : out_(out), err_(err), format_(format), quiet_(quiet) {}

  bool as_json() const { return format_ == OutputFormat::json; }
  bool quiet() const { return quiet_; }
  std::ostream& err() { return err_; }

  void print(const std::string& text);
  void print_line(const std::string& text);
  void json(const json::Value& value);
  void remark(const std::string& line);
  /// "vbs: message", then what is known of field, node and operation.
  void error(const Error& error);
  /// False if something could not be written, as on a full disk.
  bool flush();

 private:
  std::ostream& out_;
  std::ostream& err_;
  OutputFormat format_;
  bool quiet_;
};

}  // namespace vbs::cli
