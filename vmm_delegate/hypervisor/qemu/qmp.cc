#include "vmm_delegate/hypervisor/qemu/qmp.h"

#include <algorithm>
#include <optional>

#include "common/text.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::size_t kMaxKeptEvents = 256;
constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxValues = 500'000;

tl::unexpected<Error> not_understood(std::string_view what) {
  return fail(ErrorCode::internal, "QEMU's answer is not understood: " + std::string(what));
}

tl::unexpected<Error> refusal(std::string_view command, const json::Value& error) {
  const std::string kind = text_of(error, "class");
  const auto code = kind == "DeviceNotFound" ? ErrorCode::not_found : ErrorCode::conflict;
  return fail(code, "QEMU refused " + std::string(command) + ": " + text_of(error, "desc"));
}

}  // namespace

std::string text_of(const json::Value& value, std::string_view key) {
  const json::Value* member = value.find(key);
  const auto* text = member == nullptr ? nullptr : member->as<std::string>();
  return text == nullptr ? "" : *text;
}

std::string command_line(std::string_view command, const Arguments& arguments, std::int64_t id) {
  json::Writer out;
  out.begin_object();
  out.member("execute", command);
  if (arguments) {
    out.key("arguments");
    out.begin_object();
    arguments(out);
    out.end_object();
  }
  out.member("id", id);
  out.end_object();
  return out.take() + "\n";
}

Qmp::Qmp(LineSocket socket, const Limits& limits) : socket_(std::move(socket)), limits_(limits) {}

Result<Qmp> Qmp::connect(const std::string& path, const Limits& limits) {
  const MonotonicTime deadline = deadline_in(limits.greeting);
  auto socket = LineSocket::connect(path, deadline, limits.line_bytes);
  if (!socket) return fail(socket.error());
  Qmp qmp(*std::move(socket), limits);
  auto greeting = qmp.read_message(deadline);
  if (!greeting) return fail(greeting.error());
  if (greeting->find("QMP") == nullptr) return not_understood("it does not greet as QMP");
  if (auto ready = qmp.execute("qmp_capabilities"); !ready) return fail(ready.error());
  return qmp;
}

Result<json::Value> Qmp::execute(std::string_view command, const Arguments& arguments) {
  return execute(command, arguments, limits_.exchange);
}

Result<json::Value> Qmp::execute(std::string_view command, const Arguments& arguments,
                                 Milliseconds limit) {
  const MonotonicTime deadline = deadline_in(limit);
  const std::int64_t id = ++last_id_;
  auto sent = socket_.send(command_line(command, arguments, id), deadline);
  if (!sent) return fail(sent.error());
  return answer_to(command, id, deadline);
}

Result<std::vector<json::Value>> Qmp::ask(const std::vector<Question>& questions) {
  const MonotonicTime deadline = deadline_in(limits_.exchange);
  std::string lines;
  const std::int64_t before = last_id_;
  for (const Question& question : questions) {
    lines += command_line(question.command, question.arguments, ++last_id_);
  }
  if (auto sent = socket_.send(lines, deadline); !sent) return fail(sent.error());
  std::vector<json::Value> answers;
  std::optional<Error> first;
  for (std::int64_t id = before + 1; id <= last_id_; ++id) {
    auto answer = answer_to(questions[answers.size()].command, id, deadline);
    if (!answer && answer.error().code == ErrorCode::timeout) return fail(answer.error());
    if (!answer && !first) first = answer.error();
    answers.push_back(answer ? *std::move(answer) : json::Value());
  }
  if (first) return fail(*std::move(first));
  return answers;
}

Result<json::Value> Qmp::answer_to(std::string_view command, std::int64_t id,
                                   MonotonicTime deadline) {
  auto answer = next_answer(deadline);
  if (!answer) return answer;
  const json::Value* answered = answer->find("id");
  const auto* answered_id = answered == nullptr ? nullptr : answered->as<std::int64_t>();
  if (const json::Value* error = answer->find("error")) return refusal(command, *error);
  if (answered_id == nullptr || *answered_id != id)
    return not_understood("it answers another command");
  const json::Value* result = answer->find("return");
  if (result == nullptr) return not_understood("neither a result nor an error");
  return *result;
}

Result<json::Value> Qmp::read_message(MonotonicTime deadline) {
  auto line = socket_.read_line(deadline);
  if (!line) return fail(line.error());
  auto message = json::parse(*line, {limits_.line_bytes, kMaxDepth, kMaxValues});
  if (!message) return not_understood(quote(*line));
  if (message->as<json::Value::Object>() == nullptr) return not_understood("it is no object");
  return message;
}

Result<json::Value> Qmp::next_answer(MonotonicTime deadline) {
  while (true) {
    auto message = read_message(deadline);
    if (!message || message->find("event") == nullptr) return message;
    keep_event(*message);
  }
}

void Qmp::keep_event(const json::Value& event) {
  const json::Value* data = event.find("data");
  if (text_of(event, "event") != "DEVICE_DELETED" || data == nullptr) return;
  if (deleted_.size() == kMaxKeptEvents) deleted_.pop_front();
  deleted_.push_back(text_of(*data, "device"));
}

bool Qmp::take_deleted(std::string_view device) {
  const auto found = std::find(deleted_.begin(), deleted_.end(), device);
  if (found == deleted_.end()) return false;
  deleted_.erase(found);
  return true;
}

Result<bool> Qmp::wait_deleted(std::string_view device, Milliseconds limit) {
  const MonotonicTime deadline = deadline_in(limit);
  while (!take_deleted(device)) {
    auto message = read_message(deadline);
    if (!message && message.error().code == ErrorCode::timeout) return false;
    if (!message) return fail(message.error());
    if (message->find("event") == nullptr) return not_understood("an answer nobody asked for");
    keep_event(*message);
  }
  return true;
}

}  // namespace vbs::vmm_delegate
