// SPDX-License-Identifier: MIT
#include "output.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "exit_code.h"
#include "text.h"

namespace carafe::tool {
namespace {

constexpr std::size_t kBlock = 64 << 10;

std::string buffer;
bool gone = false;

/// 0, or the errno that ended it.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote >= 0) {
      text.remove_prefix(static_cast<std::size_t>(wrote));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

void flush() {
  std::string block;
  block.swap(buffer);
  if (gone) return;
  const int error = write_all(STDOUT_FILENO, block);
  if (error == EPIPE) {
    gone = true;
  } else if (error != 0) {
    gone = true;
    throw Failure(kFailure, std::string("cannot write to standard output: ") + std::strerror(error));
  }
}

void print(std::string_view text) {
  if (gone) return;
  buffer += text;
  if (buffer.size() >= kBlock) flush();
}

bool reader_is_gone() noexcept { return gone; }

void print_json(const Context& context, const Json& value) {
  print(value.dump(context.terminal ? 2 : -1, ' ', false, Json::error_handler_t::replace));
  print("\n");
}

void set_bytes(Json& object, const std::string& field, std::string_view bytes) {
  if (is_utf8(bytes)) {
    object[field] = std::string(bytes);
  } else {
    object[field] = escape(bytes);
    object[field + "_hex"] = hex(bytes);
  }
}

void say(const Context& context, std::string_view sentence) {
  if (context.quiet || context.json) return;
  print(sentence);
  print("\n");
}

void complain(std::string_view message) {
  std::string line;
  if (!message.starts_with("carafe: ")) line = "carafe: ";
  line += message;
  line += '\n';
  write_all(STDERR_FILENO, line);  // nowhere to report a failure of this
}

}  // namespace carafe::tool
