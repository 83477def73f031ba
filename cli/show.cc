#include "cli/show.h"

#include <charconv>

#include "cli/json_view.h"

namespace vbs::cli {
namespace {

std::optional<std::size_t> limit_of(const Arguments& arguments) {
  const auto text = arguments.value("--limit");
  if (!text) return std::nullopt;
  std::size_t limit = 0;
  std::from_chars(text->data(), text->data() + text->size(), limit);
  return limit;
}

std::string short_form(const json::Value& document) {
  for (const char* key : {"id", "name"}) {
    if (std::string text = string_of(document, key); !text.empty()) return text;
  }
  return document.find("sequence") ? text_of(document, "sequence") : "";
}

Result<ExitCode> show_elements(Context& context, const std::string& member,
                               Result<json::Value::Array> elements, const RenderList& render) {
  if (!elements) return fail(elements.error());
  if (context.output.as_json()) {
    json::Value::Object document;
    document.emplace_back(member, json::Value(std::move(*elements)));
    context.output.json(json::Value(std::move(document)));
  } else if (context.output.quiet()) {
    for (const auto& element : *elements) context.output.print_line(short_form(element));
  } else {
    context.output.print(render(*elements, context.clock.wall()));
  }
  return ExitCode::ok;
}

}  // namespace

void add_filter(const Arguments& arguments, std::string_view option, const std::string& parameter,
                Query& query) {
  for (const auto& value : arguments.values(option)) query.emplace_back(parameter, value);
}

void add_project_filter(const Arguments& arguments, Query& query) {
  add_filter(arguments, "--project", "project", query);
  if (arguments.has("--all-projects")) query.emplace_back("all_projects", "true");
}

bool shows_projects(const Arguments& arguments) {
  return arguments.has("--all-projects") || arguments.has("--project");
}

Result<ExitCode> show_list(Context& context, const std::string& path, const std::string& member,
                           const Query& query, const RenderList& render) {
  return show_elements(context, member,
                       context.service.list(path, member, query, limit_of(context.arguments)),
                       render);
}

Result<ExitCode> show_whole_list(Context& context, const std::string& path,
                                 const std::string& member, const RenderList& render) {
  return show_elements(context, member, context.service.list_whole(path, member), render);
}

void show_one(Context& context, const json::Value& document, const RenderOne& render) {
  if (context.output.as_json()) {
    context.output.json(document);
  } else if (context.output.quiet()) {
    context.output.print_line(short_form(document));
  } else {
    context.output.print(render(document, context.clock.wall()));
  }
}

Result<ExitCode> fetch_and_show(Context& context, const std::string& path,
                                const RenderOne& render) {
  auto document = context.service.get(path);
  if (!document) return fail(document.error());
  show_one(context, *document, render);
  return ExitCode::ok;
}

}  // namespace vbs::cli
