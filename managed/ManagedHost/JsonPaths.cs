// SPDX-License-Identifier: MIT
// From JSON to the paths and texts of IConfiguration: {"a": {"b": [1]}} is a:b:0 = 1.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// Reads what the host wrote, so it judges only what it needs to. It is here because most modules
/// ask for a key in their start, and the general reader with its vector code costs a third of a
/// host's start to compile. Keys and values are those of Microsoft.Extensions.Configuration.Json.
/// </summary>
internal ref struct JsonPaths
{
    private const int DepthMax = 64;

    private readonly Dictionary<string, string?> _values = new(StringComparer.OrdinalIgnoreCase);
    private readonly StringBuilder _path = new();
    private readonly StringBuilder _text = new();
    private readonly string _json;
    private int _at;
    private int _depth;

    private JsonPaths(string json) => _json = json;

    /// <exception cref="FormatException">It is not JSON, or not an object.</exception>
    public static Dictionary<string, string?> Read(string json)
    {
        JsonPaths reader = new(json);
        if (reader.Next() != '{')
            throw reader.Bad();
        reader.ReadValue();
        return reader.Next() == '\0' ? reader._values : throw reader.Bad();
    }

    private void ReadValue()
    {
        switch (Next())
        {
            case '{':
                ReadMembers('}', isObject: true);
                break;
            case '[':
                ReadMembers(']', isObject: false);
                break;
            case '"':
                Put(ReadText());
                break;
            default:
                Put(ReadWord());
                break;
        }
    }

    private void ReadMembers(char end, bool isObject)
    {
        int length = _path.Length;
        if (++_depth > DepthMax)
            throw Bad();
        _at++;
        if (Next() == end)
        {
            if (length > 0)
                Put(null);
        }
        else
        {
            for (int i = 0; ; i++)
            {
                string key = isObject ? ReadKey() : i.ToString(CultureInfo.InvariantCulture);
                if (length > 0)
                    _path.Append(':');
                _path.Append(key);
                ReadValue();
                _path.Length = length;
                if (Next() != ',')
                    break;
                _at++;
            }
        }
        Expect(end);
        _depth--;
    }

    private string ReadKey()
    {
        if (Next() != '"')
            throw Bad();
        string key = ReadText();
        Next();
        Expect(':');
        return key;
    }

    private string ReadText()
    {
        _text.Clear();
        for (_at++; ; _at++)
        {
            switch (Peek())
            {
                case '"':
                    _at++;
                    return _text.ToString();
                case '\\':
                    _at++;
                    _text.Append(ReadEscape());
                    break;
                case '\0' when _at >= _json.Length:
                    throw Bad();
                default:
                    _text.Append(_json[_at]);
                    break;
            }
        }
    }

    /// <summary>Ends on the last character of the escape.</summary>
    private char ReadEscape()
    {
        switch (Peek())
        {
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u' when _at + 4 < _json.Length && ReadUnit(_json.AsSpan(_at + 1, 4)) is { } unit:
                _at += 4;
                return unit;
            case '"' or '\\' or '/':
                return _json[_at];
            default:
                throw Bad();
        }
    }

    private static char? ReadUnit(ReadOnlySpan<char> digits) =>
        ushort.TryParse(
            digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort unit)
            ? (char)unit
            : null;

    private string? ReadWord()
    {
        int start = _at;
        while (char.IsAsciiLetterOrDigit(Peek()) || Peek() is '-' or '+' or '.')
            _at++;
        return _json[start.._at] switch
        {
            "null" => null,
            "true" => bool.TrueString,
            "false" => bool.FalseString,
            [(>= '0' and <= '9') or '-', ..] number => number,
            _ => throw Bad(),
        };
    }

    private readonly void Put(string? value) => _values[_path.ToString()] = value;

    private void Expect(char c)
    {
        if (Peek() != c)
            throw Bad();
        _at++;
    }

    private readonly char Peek() => _at < _json.Length ? _json[_at] : '\0';

    /// <summary>The next character that is no white space; NUL at the end.</summary>
    private char Next()
    {
        while (Peek() is ' ' or '\t' or '\n' or '\r')
            _at++;
        return Peek();
    }

    private readonly FormatException Bad() =>
        new($"the module's Config is not a JSON object (at {_at}): {_json}");
}
