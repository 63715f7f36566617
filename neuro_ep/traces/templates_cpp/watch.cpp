{% extends 'dense_operation.cpp' %}
{% macro _of(name) %}{{get_array_name(variables['_look_' ~ name])}}{% endmacro %}
{% block maincode %}
    // whether this step belongs to a presentation that is recorded, and its number
    static neuro_ep::Stream _stream;
    const int32_t _presentation = {{_of('presentation')}}[0], _phase = {{_of('phase')}}[0];
    const bool _over = _presentation >= {{_of('total')}}[0];
    const bool _watching = !_over && {{_of('chosen')}}[_presentation];
    {{_of('watching')}}[0] = _watching;
    if (_watching)
    {
        {{_of('now')}}[0] += 1;
        if ({{_of('step')}}[0] == 1) // the first step of a phase
            _stream.append<int64_t>({{_of('file')}}, {{_of('now')}}[0], (int64_t) _presentation * {{phases}} + _phase);
    }
    if (_over) _stream.close();
{% endblock %}
