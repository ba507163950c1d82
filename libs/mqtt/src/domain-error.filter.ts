import { Catch, type RpcExceptionFilter } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';

/**
 * Hands a handler's error to the strategy as it is; Nest's own filter would turn it into "Internal server error". Goes on each
 * controller (`@UseFilters`): in a hybrid app the microservice is initialised before `useGlobalFilters` could reach it.
 */
@Catch()
export class DomainErrorFilter implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}
