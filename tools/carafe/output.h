// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "context.h"

/// Data goes to standard output, talk to standard error.
namespace carafe::tool {

using Json = nlohmann::ordered_json;  // keeps the fields in the order of the man page

/// Adds to standard output, which is written in blocks. When its reader has gone (`| head`) the rest is dropped without a word;
/// any other failure to write is a Failure.
void print(std::string_view text);
/// Writes out what print has gathered.
void flush();
/// Whether nobody reads any more; long listings stop then.
[[nodiscard]] bool reader_is_gone() noexcept;

/// `value` and a new line: indented on a terminal, one line elsewhere.
void print_json(const Context& context, const Json& value);
/// Sets object[field] to `bytes`, as they are when they are UTF-8; else escaped, with the exact bytes in object[field + "_hex"].
void set_bytes(Json& object, const std::string& field, std::string_view bytes);

/// A confirmation for people; not under --quiet or --json.
void say(const Context& context, std::string_view sentence);
/// "carafe: message" on standard error; a "carafe: " that is there already is not repeated.
void complain(std::string_view message);

}  // namespace carafe::tool
