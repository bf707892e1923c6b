# Runs scripts for prompteval: a line of JSON in, a line of JSON out, until the input ends.
require "json"

# All names stand in here, so that scripts see none of them.
module PromptevalShim
  LIMITS = JSON.parse(ARGV.pop)
  PID = Process.pid

  # A script, or its result, that nothing can be done with.
  class Unfit < StandardError
    attr_reader :trouble

    def initialize(trouble, message)
      super(message)
      @trouble = trouble
    end
  end

  # A function, and the file that it stands in.
  Script = Struct.new(:file, :function)

  @scripts = {}
  @files = {}

  class << self
    # Bounds what is written to, not what is reserved.
    def bound_memory
      _, hard = Process.getrlimit(:DATA)
      Process.setrlimit(:DATA, LIMITS["memory"], hard)
    rescue SystemCallError, NotImplementedError, ArgumentError
      nil
    end

    # Keeps input and output for the messages; scripts read nothing and print to standard error.
    def take_pipes
      pipes = [$stdin.dup, $stdout.dup]
      pipes.each { |pipe| pipe.binmode.close_on_exec = true }
      $stdin.reopen(File::NULL)
      $stdout.reopen($stderr)
      $stdout.sync = true
      pipes
    end

    # Scripts.

    def load_script(script)
      file = own_file(script)
      function = script.key?("text") ? inline(script, file) : from_file(script)
      @scripts[script["id"]] = Script.new(file, function)
    end

    # The body of a function, which is another object's for each call.
    def inline(script, file)
      source = body(script)
      check_syntax(source, file, 0)
      function = Object.new.instance_eval(source, file, 0)
      ->(*args) { Object.new.instance_exec(*args, &function) }
    end

    # One line before the script's first.
    def body(script)
      "lambda do |#{script["parameters"].join(", ")}|\n#{script["text"]}\nend"
    end

    def from_file(script)
      path = script["path"]
      receiver = (@files[path] ||= imported(path))
      wanted = script["function"] ? [script["function"]] : script["defaults"]
      kind = receiver.singleton_class
      names = kind.instance_methods(false) + kind.private_instance_methods(false)
      name = wanted.find { |candidate| names.include?(candidate.to_sym) }
      return receiver.method(name) if name

      has = names.empty? ? "none" : names.first(10).join(", ")
      raise Unfit.new("missing", "there is no function #{wanted.join(" or ")} (it has #{has})")
    end

    # Functions of a file become methods of an object of its own: two files may use the same names.
    def imported(path)
      space = Object.new
      $LOAD_PATH.unshift(File.dirname(path)) unless $LOAD_PATH.include?(File.dirname(path))
      space.instance_eval(File.read(path, encoding: "UTF-8"), path, 1)
      space
    end

    # Finds mistakes without running anything.
    def check(script)
      file = own_file(script)
      return check_syntax(body(script), file, 0) if script.key?("text")

      check_syntax(File.read(script["path"], encoding: "UTF-8"), file, 1)
    end

    def check_syntax(source, file, line)
      raise Unfit.new("missing", "its text is no UTF-8") unless source.valid_encoding?
      return unless defined?(RubyVM::InstructionSequence)

      RubyVM::InstructionSequence.compile(source, file, file, line)
      nil
    end

    # Messages.

    def handle(message)
      if message.key?("call")
        encoded(@scripts.fetch(message["call"]).function.call(*message["args"]))
      else
        message.key?("load") ? load_script(message["load"]) : check(message["check"])
        "null"
      end
    end

    def own_file(script)
      script.key?("text") ? "<#{script["name"]}>" : script["path"]
    end

    def file_of(message)
      return @scripts[message["call"]].file if message.key?("call")

      own_file(message["load"] || message["check"])
    end

    def encoded(result)
      begin
        text = JSON.generate(plain(result))
      rescue JSON::GeneratorError, JSON::NestingError, EncodingError, SystemStackError, TypeError => error
        raise Unfit.new("no-result", "it returned what JSON cannot hold: #{error.message}")
      end
      if text.bytesize > LIMITS["result"]
        raise Unfit.new("too-large", "it returned #{text.bytesize} bytes; #{LIMITS["result"]} are the most")
      end
      text
    end

    def plain(value)
      case value
      when nil, true, false, Integer, Float, String then value
      when Symbol then value.to_s
      when Array then value.map { |item| plain(item) }
      when Hash then value.to_h { |key, item| [key.to_s, plain(item)] }
      else raise TypeError, "a `#{value.class}` is no JSON"
      end
    end

    def fault(error, own)
      found = {"trouble" => trouble(error), "message" => words(error)}
      line = error.is_a?(Unfit) ? nil : line_of(error, own)
      found["line"] = line if line
      JSON.generate(found)
    end

    def words(error)
      text = error.message.to_s.scrub[0, 64000]
      return text if error.is_a?(Unfit)

      text = text.lines.first.to_s.strip.sub(/\A.*?:\d+: /, "") if error.is_a?(ScriptError)
      text.empty? ? error.class.name : "#{error.class}: #{text}"
    end

    def trouble(error)
      case error
      when Unfit then error.trouble
      when NoMemoryError then "too-large"
      when SyntaxError then "syntax"
      else "thrown"
      end
    end

    # The deepest line in the script itself.
    def line_of(error, own)
      texts = error.is_a?(SyntaxError) ? error.message.lines : error.backtrace.to_a
      texts.each do |text|
        return text[own.size + 1..].to_i if text.start_with?("#{own}:")
      end
      nil
    end

    # Ends what a failed call printed with a mark, so that the reader knows that it has all.
    def mark(number)
      $stderr.flush
      $stderr.syswrite("\0#{number}\0")
    rescue SystemCallError, IOError
      nil
    end

    def answer(message)
      "\"result\":#{handle(message)}"
    rescue SystemExit
      raise
    rescue Exception => error
      said = "\"error\":#{fault(error, file_of(message))}"
      mark(message["number"])
      said
    end

    def main
      bound_memory
      requests, answers = take_pipes
      answers.syswrite("{\"number\":0,\"result\":null}\n")
      while (line = requests.gets)
        message = JSON.parse(line.force_encoding("UTF-8"), max_nesting: false)
        text = answer(message)
        exit!(0) if Process.pid != PID
        answers.write("{\"number\":#{message["number"]},#{text}}\n")
        answers.flush
      end
    end
  end
end

PromptevalShim.main
